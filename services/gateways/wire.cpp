#include "services/gateways/wire.hpp"

namespace zhida::gateways {

void length_splitter::feed(std::string_view bytes) {
    if (at_ == buffer_.size()) {
        buffer_.clear();
        at_ = 0;
    } else if (at_ > buffer_.size() / 2) {
        buffer_.erase(0, at_);
        at_ = 0;
    }
    buffer_.append(bytes);
}

result<std::string_view> length_splitter::next() {
    const std::string_view rest = std::string_view(buffer_).substr(at_);
    if (rest.size() < 4) return std::string_view();
    const std::size_t total = wire_reader(rest).u32();
    if (total < least_ || total > most_)
        return failure{errc::invalid,
                       std::string(field_) + " " + std::to_string(total) + " is not between " +
                           std::to_string(least_) + " and " + std::to_string(most_),
                       std::string(protocol_) + " header",
                       "the peer does not speak " + std::string(protocol_) + ", or bytes were lost"};
    if (rest.size() < total) return std::string_view();
    at_ += total;
    return rest.substr(0, total);
}

} // namespace zhida::gateways
