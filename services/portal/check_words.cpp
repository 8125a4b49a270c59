#include "services/portal/check_words.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace zhida::portal {

namespace {

// '*' stands for anything; in the Chinese form the n-th '*' is the n-th of the English one.
constexpr std::pair<std::string_view, std::string_view> phrases[] = {
    {"not valid JSON: *", "不是有效的 JSON：*"},
    {"check it with a JSON editor", "用 JSON 编辑器检查"},
    {"JSON of * bytes", "JSON 有 * 字节"},
    {"at most * bytes", "最多 * 字节"},
    {"is missing", "缺少此项"},
    {"add it", "请补上"},
    {"must not be empty", "不能为空"},
    {"write it", "请填写"},
    {"must be *, not *", "应为*，不能是*"},
    {"put it in quotes", "加上引号"},
    {"is longer than * characters", "超过 * 个字"},
    {"is longer than * bytes", "超过 * 字节"},
    {"'*' is not allowed here", "此处不能填“*”"},
    {"one of: *", "可选：*"},
    {"'*' is not a date", "“*”不是日期"},
    {"write it as *", "写成 *"},
    {"write it in [ ]", "写在 [ ] 中"},
    {"write it in { }", "写在 { } 中"},
    {"has more than * entries", "超过 * 条"},
    {"'*' cannot be an id", "“*”不能作编号"},
    {"is not a known member", "没有这个字段"},
    {"known here: *", "可用的字段：*"},
    {"an address that starts with https:// or http://", "以 https:// 或 http:// 开头的网址"},
    {"an address that starts with https:// or http://, without spaces, Chinese letters or a user name "
     "(percent-encode them)",
     "以 https:// 或 http:// 开头的网址，不含空格、汉字和用户名（请用百分号编码）"},
    {"'*' is not a supported version of the document", "不支持文档版本“*”"},
    {"has neither text nor url", "没有正文也没有链接"},
    {"give one of the two", "至少填一项"},
    {"no condition of eligibility is there", "这里没有对应的条件"},
    {"its conditions are: *", "条件有：*"},
    {"ends before it starts", "结束早于开始"},
    {"* is outside the window", "* 不在受理期内"},
    {"nested deeper than * levels", "嵌套超过 * 层"},
    {"more than * conditions", "超过 * 个条件"},
    {"a condition must be an object, not *", "条件应为对象，不能是 *"},
    {"a property alone is not a condition", "只有属性，不成条件"},
    {"unknown operator *", "没有运算符 *"},
    {"unknown attribute *", "没有属性 *"},
    {"the catalogue lists them: *", "全部属性见 *"},
    {"near it: *", "相近的：*"},
    {"did you mean *?", "是不是 *？"},
    {"\"*\" takes two conditions or more, not *", "“*”需要两个以上条件，现有 * 个"},
    {"\"*\" takes one condition, not *", "“*”只能有一个条件，现有 * 个"},
    {"\"*\" takes * args, not *", "“*”需要 * 个参数，现有 * 个"},
    {"the lower bound is above the upper one: nothing lies between", "下限高于上限，没有值能满足"},
    {"must be a list of values", "应为值的列表"},
    {"must be a list of terms", "应为词条的列表"},
    {"the list is empty: *", "列表为空"},
    {"name the values", "列出各个值"},
    {"name the terms", "列出各个词条"},
    {"* is not a term of *", "* 不是 * 的词条"},
    {"* is not a value of *", "* 不是 * 的值"},
    {"* is not a code of GB/T 4754-2017 (industries.csv)", "* 不是国民经济行业代码（GB/T 4754-2017）"},
    {"* is not a division code (divisions.csv)", "* 不是行政区划代码"},
    {"'*' is not in catalogue/divisions.csv", "行政区划中没有“*”"},
    {"* is out of range", "* 超出范围"},
    {"* has too many decimals", "* 小数位过多"},
    {"* is not a whole number", "* 不是整数"},
    {"* is not a number", "* 不是数"},
    {"the pattern must be a text", "模式应为文字"},
    {"pattern * is not a prefix", "模式 * 不是前缀"},
    {"no code begins with *", "没有以 * 开头的代码"},
    {"'*' is not a web address", "“*”不是网址"},
    {"'*' is already the id of *", "“*”已是 * 的编号"},
    {"give each item its own", "每个事项各用一个编号"},
    {"start is *, end *", "开始 *，结束 *"},
    {"the window is * to *", "受理期为 * 至 *"},
    {"'*' is not a subject", "“*”不是对象类型"},
    {"enterprise or resident", "enterprise（企业）或 resident（居民）"},
    {"'*' is not a reach", "“*”不是推送范围"},
    {"eligible, decided or possible", "eligible、decided 或 possible"},
    {"is not a channel", "不是推送渠道"},
    {"web, sms or wechat", "web、sms 或 wechat"},
    {"a condition in CQL2-JSON", "填写 CQL2-JSON 条件"},
    {"more errors follow, which are not shown", "还有更多错误，未列出"},
};

// What a '*' may stand for that has a Chinese word.
constexpr std::pair<std::string_view, std::string_view> words[] = {
    {"a text", "文字"},
    {"a list", "列表"},
    {"an object", "对象"},
    {"a whole number", "整数"},
    {"a number", "数"},
    {"a date", "日期"},
    {"true or false", "true 或 false"},
    {"string", "文字"},
    {"array", "列表"},
    {"object", "对象"},
    {"number", "数"},
    {"boolean", "真假值"},
    {"null", "空值 null"},
};
std::string_view word_zh(std::string_view english) {
    for (const auto& [from, to] : words)
        if (from == english) return to;
    return english;
}

// What each '*' stands for; the shortest texts that fit.
std::optional<std::vector<std::string_view>> matched(std::string_view pattern, std::string_view text) {
    std::vector<std::string_view> stars;
    const auto first = pattern.find('*');
    if (first == std::string_view::npos) return pattern == text ? std::optional(stars) : std::nullopt;
    if (!text.starts_with(pattern.substr(0, first))) return std::nullopt;
    text.remove_prefix(first);
    pattern.remove_prefix(first + 1);
    while (true) {
        const auto next = pattern.find('*');
        const auto literal = pattern.substr(0, next);
        if (next == std::string_view::npos) {
            if (text.size() < literal.size() || !text.ends_with(literal)) return std::nullopt;
            stars.push_back(text.substr(0, text.size() - literal.size()));
            return stars;
        }
        const auto at = text.find(literal);
        if (at == std::string_view::npos) return std::nullopt;
        stars.push_back(text.substr(0, at));
        text.remove_prefix(at + literal.size());
        pattern.remove_prefix(next + 1);
    }
}

} // namespace

std::string check_words_zh(std::string_view english) {
    for (const auto& [from, to] : phrases) {
        const auto stars = matched(from, english);
        if (!stars) continue;
        std::string out;
        std::size_t star = 0;
        for (const char c : to) {
            if (c == '*')
                out += star < stars->size() ? word_zh((*stars)[star++]) : std::string_view();
            else
                out += c;
        }
        return out;
    }
    return std::string(english);
}

} // namespace zhida::portal
