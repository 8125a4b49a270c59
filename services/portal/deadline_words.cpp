#include "services/portal/deadline_words.hpp"

namespace zhida::portal {

std::string deadline_text(const deadline& d, language in) {
    const bool zh = in == language::zh;
    const auto days = std::to_string(d.days);
    const auto end = d.end ? format_date(*d.end) : "", start = d.start ? format_date(*d.start) : "";
    std::string out;
    switch (d.now) {
    case deadline::kind::unstated:
        out = zh ? "未注明截止时间，以原文为准" : "No closing date given; see the original";
        break;
    case deadline::kind::open:
    case deadline::kind::soon:
        if (d.of_policy)
            out = zh ? "政策有效期至 " + end : "Policy valid until " + end;
        else if (d.days == 0)
            out = zh ? "今天截止（" + end + "）" : "Closes today (" + end + ")";
        else
            out = zh ? "还剩 " + days + " 天（" + end + " 截止）"
                     : days + (d.days == 1 ? " day left" : " days left") + " (closes " + end + ")";
        break;
    case deadline::kind::not_yet:
        out = zh ? start + " 开始受理（还有 " + days + " 天）" : "Opens " + start + " (in " + days + " days)";
        break;
    case deadline::kind::closed:
        if (d.of_policy)
            out = zh ? "政策已于 " + end + " 失效" : "Policy expired on " + end;
        else
            out = zh ? "已截止（" + end + "）" : "Closed (" + end + ")";
        break;
    }
    if (!d.stage.empty()) out = d.stage + (zh ? "：" : ": ") + out;
    return out;
}

} // namespace zhida::portal
