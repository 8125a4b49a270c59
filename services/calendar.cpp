#include "services/calendar.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace zhida {

result<workdays> load_workdays(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad())
        return failure{errc::io, std::string("cannot be read: ") + std::strerror(errno), file,
                       "it comes with the configuration"};
    auto document = parse_json(text);
    std::vector<failure> errors;
    auto days = document ? workdays::read(*document, errors) : result<workdays>(document.error());
    if (days) return days;
    auto why = days.error();
    why.where = file + why.where;
    return why;
}

} // namespace zhida
