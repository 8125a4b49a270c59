#include "services/portal/paging.hpp"

#include "common/base/crypto.hpp"

#include <charconv>

namespace zhida::portal {

namespace {

template <class N>
bool whole(std::string_view text, N& out) {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
    return code == std::errc() && end == text.data() + text.size();
}

} // namespace

result<page_request> read_paging(const io::http_request& r, std::size_t most) {
    page_request out;
    if (const auto limit = r.query.find("limit"); limit != r.query.end())
        if (!whole(limit->second, out.limit) || out.limit < 1 || out.limit > most)
            return failure{errc::invalid, "limit 必须是 1 到 " + std::to_string(most) + " 的整数", "limit",
                           ""};
    if (const auto cursor = r.query.find("cursor"); cursor != r.query.end()) {
        const auto text = crypto::from_hex(cursor->second);
        if (!text || !text->starts_with("b") || !whole(std::string_view(*text).substr(1), out.before_ms) ||
            out.before_ms <= 0)
            return failure{errc::invalid, "cursor 无法识别", "cursor", "使用上一页 Link 头中的地址"};
    }
    return out;
}

std::string cursor_of(std::int64_t before_ms) {
    return crypto::hex("b" + std::to_string(before_ms));
}

void add_next_link(io::http_response& out, const std::string& path, const page_request& p,
                   std::int64_t before_ms) {
    out.headers.emplace_back("Link", "<" + path + "?cursor=" + cursor_of(before_ms) +
                                         "&limit=" + std::to_string(p.limit) + ">; rel=\"next\"");
}

} // namespace zhida::portal
