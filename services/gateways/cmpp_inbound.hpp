// What somebody wrote back to our number: the text of a CMPP_DELIVER that is no status report. Pure.
#pragma once

#include "services/gateways/cmpp_codec.hpp"

#include <string>

namespace zhida::gateways::cmpp {

// In lower case, full-width letters as plain ones, without white space around it. ASCII, UCS2 and GBK by
// Msg_Fmt; of GBK only what words_of_refusal needs, any other character is U+FFFD. Empty: another format.
std::u32string inbound_text(const deliver& d);

// "R" (拒收请回复R) and what people are used to write instead: T, TD, N, 退订, 拒收.
bool asks_to_stop(const deliver& d);

} // namespace zhida::gateways::cmpp
