#include "services/profiles/import_report.hpp"

#include <cerrno>
#include <cstring>

namespace zhida::profiles {

namespace {

// Who mends the file reads Chinese; the part of a reason by which it is known, and what it says.
struct translation {
    std::string_view part, chinese;
};
constexpr translation translations[] = {
    {"id is missing", "缺少编号"},
    {"a spreadsheet has rounded it", "统一社会信用代码被表格软件改成了科学计数"},
    {"its check characters do not fit", "统一社会信用代码的校验位不符"},
    {"not a 统一社会信用代码", "不是统一社会信用代码"},
    {"not a subject id", "不是有效的编号"},
    {"not a subject type", "类型应为企业或居民"},
    {"stands in the file already", "同一主体在文件中重复，本行未导入"},
    {"facts from the future", "数据日期晚于今天"},
    {"is not a date", "不是日期"},
    {"not a date", "不是日期"},
    {"not a mainland mobile number", "不是大陆手机号码"},
    {"not a WeChat openid", "不是微信 openid"},
    {"but the header has", "列数与表头不一致"},
    {"not UTF-8", "不是 UTF-8 编码"},
    {"a line break or another control character", "含有换行或控制字符"},
    {"is never closed", "引号没有配对"},
    {"after a closing quote", "引号之后还有文字"},
    {"a quote within a field", "未加引号的单元格中有引号"},
    {"longer than 65536 bytes", "本行过长，或引号没有配对"},
    {"more than 512 fields", "列数过多"},
    {"belongs to enterprises", "这一项只适用于企业"},
    {"belongs to residents", "这一项只适用于居民"},
    {"is out of range", "超出允许的范围"},
    {"has too many decimals", "小数位数过多"},
    {"is not a whole number", "应为整数"},
    {"is not a number", "不是数字"},
    {"is not a term of", "不在允许的取值中"},
    {"is not a code of GB/T 4754", "不是国民经济行业代码"},
    {"is not a division code", "不是行政区划代码"},
    {"the value is not good for", "取值不对"},
    {"is not a value of", "取值不对"},
    {"not valid JSON", "不是有效的 JSON"},
};

// "不是数字 · 'x' is not a number"; English alone where there is no Chinese.
std::string bilingual(const std::string& reason) {
    for (const auto& t : translations)
        if (reason.find(t.part) != std::string::npos) return std::string(t.chinese) + " · " + reason;
    return reason;
}

} // namespace

std::string report_header() {
    return "\xef\xbb\xbf"
           "行号 row,列 column,值 value,原因 reason,处理 fix\r\n";
}

std::string report_text(const std::vector<bad_row>& rows) {
    std::string text;
    for (const auto& r : rows) {
        text += std::to_string(r.row);
        for (const auto& field : {r.column, r.value, bilingual(r.reason), r.fix}) {
            text += ',';
            append_csv_text(text, field);
        }
        text += "\r\n";
    }
    return text;
}

import_report::import_report(std::string path) : path_(std::move(path)) {
    std::remove(path_.c_str()); // where there is none, there is nothing to remove
}

failure import_report::cannot_write() const {
    return {errc::io, std::string("the report of bad rows cannot be written: ") + std::strerror(errno), path_,
            "name another file with --report"};
}

result<void> import_report::add(const std::vector<bad_row>& rows) {
    if (rows.empty()) return {};
    std::string text;
    if (!file_) {
        file_.reset(std::fopen(path_.c_str(), "wb"));
        if (!file_) return cannot_write();
        text = report_header();
    }
    text += report_text(rows);
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) return cannot_write();
    return {};
}

result<void> import_report::finish() {
    if (file_ && std::fflush(file_.get()) != 0) return cannot_write();
    return {};
}

} // namespace zhida::profiles
