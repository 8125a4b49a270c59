// Lists come in pages: ?limit= and an opaque ?cursor=; the next page's address is in the Link header (RFC
// 8288).
#pragma once

#include "common/base/error.hpp"
#include "common/io/http_server.hpp"

#include <cstdint>
#include <string>

namespace zhida::portal {

struct page_request {
    std::size_t limit = 50;
    std::int64_t before_ms = 0; // 0: from the newest
};
// invalid: limit not from 1 to `most`, or a cursor that was not given out here.
result<page_request> read_paging(const io::http_request& r, std::size_t most = 200);
std::string cursor_of(std::int64_t before_ms);
// </path?cursor=..&limit=..>; rel="next"
void add_next_link(io::http_response& out, const std::string& path, const page_request& p,
                   std::int64_t before_ms);

} // namespace zhida::portal
