#include "services/gateways/aliyun_codes.hpp"

namespace zhida::gateways::aliyun {

namespace {

using enum send_outcome;
using pause = cloud_reaction::pause;
using again = cloud_reaction::again;

constexpr cloud_reaction of_one_number(const char* code, again when, const char* words) {
    return {code, retry, pause::none, when, "", true, false, reason_class::retry, words};
}
constexpr cloud_reaction content(const char* code, const char* words) {
    return {code, rejected, pause::none, again::none, "content", false, true, reason_class::permanent, words};
}
constexpr cloud_reaction stop(const char* code, const char* words) {
    return {code, stopped, pause::until_mended, again::none, "", false, true, reason_class::stop, words};
}
constexpr cloud_reaction quota(const char* code, const char* words) {
    return {code, stopped, pause::until_midnight, again::none, "", false, true, reason_class::stop, words};
}
constexpr cloud_reaction slow_down(const char* code, const char* words) {
    return {code, retry, pause::slow_channel, again::soon, "", false, false, reason_class::slow_down, words};
}
constexpr cloud_reaction in_doubt(const char* code, const char* words) {
    return {code, unknown, pause::none, again::none, "", false, true, reason_class::in_doubt, words};
}

constexpr cloud_reaction table[] = {
    {"OK", accepted, pause::none, again::none, "", false, false, reason_class::accepted, "已接收"},

    of_one_number("isv.BUSINESS_LIMIT_CONTROL", again::as_said, "此号码发送太频繁（分钟、小时或天）"),
    of_one_number("isv.SMS_OVER_LIMIT", again::day, "此号码当日发送次数已满"),
    {"isv.MOBILE_NUMBER_ILLEGAL", rejected, pause::none, again::none, "bad_number", true, false,
     reason_class::permanent, "手机号码不合法"},
    {"isv.CUSTOMER_REFUSED", rejected, pause::none, again::none, "refused", true, false,
     reason_class::opt_out, "用户已退订"},

    slow_down("Throttling", "请求被限流"),
    slow_down("Throttling.*", "请求被限流"),
    quota("isv.DAY_LIMIT_CONTROL", "账号当日发送量已达上限"),
    quota("isv.MONTH_LIMIT_CONTROL", "账号当月发送量已达上限"),

    in_doubt("isp.SYSTEM_ERROR", "平台系统错误，可能已接收"),
    in_doubt("isp.UNKNOWN", "平台未知错误，可能已接收"),
    in_doubt("ServiceUnavailable", "服务暂不可用，可能已接收"),
    in_doubt("InternalError", "平台内部错误，可能已接收"),

    content("isv.BLACK_KEY_CONTROL_LIMIT", "变量中有黑名单关键字"),
    content("isv.PARAM_LENGTH_LIMIT", "变量太长"),
    content("isv.PARAM_NOT_SUPPORT_URL", "变量中不可有网址"),
    content("isv.TEMPLATE_MISSING_PARAMETERS", "缺模板变量"),
    content("isv.TEMPLATE_PARAMS_ILLEGAL", "变量不合模板"),
    content("isv.INVALID_JSON_PARAM", "变量的 JSON 不合法"),
    content("isv.INVALID_PARAMETERS", "参数异常"),
    content("isv.UNSUPPORTED_CONTENT", "内容有不支持的字符"),
    content("isv.SMS_CONTENT_ILLEGAL", "内容不合法"),
    content("isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE", "内容与模板类型不符"),
    content("isv.MOBILE_COUNT_OVER_LIMIT", "一次的号码太多"),

    stop("isv.SMS_SIGNATURE_ILLEGAL", "签名不存在或未审核通过"),
    stop("isv.SMS_SIGN_ILLEGAL", "签名禁止使用"),
    stop("isv.SMS_SIGNATURE_SCENE_ILLEGAL", "签名与短信类型不符"),
    stop("isv.SMS_TEMPLATE_ILLEGAL", "模板不存在或未审核通过"),
    stop("isv.EXTEND_CODE_ERROR", "扩展码与签名不符"),
    stop("isp.RAM_PERMISSION_DENY", "RAM 用户没有权限"),
    stop("isv.RAM_CHECK_FAILED", "RAM 权限校验失败"),
    stop("isv.PRODUCT_UN_SUBSCRIPT", "未开通短信服务"),
    stop("isv.PRODUCT_UNSUBSCRIBE", "未开通短信服务"),
    stop("isv.AMOUNT_NOT_ENOUGH", "余额或套餐不足"),
    stop("isv.OUT_OF_SERVICE", "业务停机（欠费）"),
    stop("isv.ACCOUNT_NOT_EXISTS", "账户不存在"),
    stop("isv.ACCOUNT_ABNORMAL", "账户异常"),
    stop("isv.SECURITY_FROZEN_ACCOUNT", "账户已冻结"),
    stop("isv.DENY_IP_RANGE", "本机地址所在地区被禁止"),
    stop("SignatureDoesNotMatch", "签名校验失败：检查 access_key、secret"),
    stop("IncompleteSignature", "签名不完整"),
    stop("SignatureNonceUsed", "随机数用过：检查本机时钟"),
    stop("InvalidTimeStamp.*", "请求时间不被接受：检查本机时钟"),
    stop("InvalidAccessKeyId.*", "AccessKeyId 不存在或已停用"),
    stop("InvalidAccessKeyId", "AccessKeyId 不存在或已停用"),
    stop("Forbidden.*", "没有权限"),
    stop("Forbidden", "没有权限"),
    stop("NoPermission", "没有权限"),
    stop("InvalidAction.*", "接口不存在：检查 base_url"),
    stop("InvalidVersion", "接口版本不存在：检查 base_url"),

    {"*", rejected, pause::none, again::none, "", false, true, reason_class::unknown, "没有见过的代码"},
};

constexpr cloud_receipt_code receipts[] = {
    {"DELIVERED", reason_class::accepted, "", "已送达"},
    {"MOBILE_IN_BLACK", reason_class::opt_out, "refused", "号码在黑名单，或已退订此签名"},
    {"USER_REJECT", reason_class::opt_out, "refused", "用户已退订"},
    {"INVALID_NUMBER", reason_class::permanent, "bad_number", "号码不合法或状态异常"},
    {"MOBILE_NOT_ON_SERVICE", reason_class::permanent, "", "停机、空号、关机或不在服务区"},
    {"MOBILE_ACCOUNT_ABNORMAL", reason_class::permanent, "", "用户账户异常、携号转网或欠费"},
    {"MOBLLE_TERMINAL_ERROR", reason_class::retry, "", "手机终端问题（内存满等）"},
    {"MOBILE_TERMINAL_ERROR", reason_class::retry, "", "手机终端问题（内存满等）"},
    {"MOBILE_SEND_LIMIT", reason_class::slow_down, "", "此号码发送次数超限"},
    {"CONTENT_KEYWORD", reason_class::permanent, "content", "内容被关键字拦截"},
    {"CONTENT_ERROR", reason_class::permanent, "content", "推广内容没有退订信息"},
    {"PARAMS_ILLEGAL", reason_class::permanent, "content", "参数错误"},
    {"SIGNATURE_BLACKLIST", reason_class::permanent, "content", "签名在黑名单"},
    {"REQUEST_SUCCESS", reason_class::unknown, "", "已提交，运营商没有回执"},
    {"IS_CLOSE", reason_class::retry, "", "通道被关停"},
    {"NO_ROUTE", reason_class::permanent, "", "没有可用的通道"},
    {"SP_NOT_BY_INTER_SMS", reason_class::permanent, "", "用户未开通国际短信"},
    {"SP_UNKNOWN_ERROR", reason_class::unknown, "", "运营商未知错误"},
    {"*", reason_class::unknown, "", "运营商网络的代码：见 CMPP 的表"},
};

} // namespace

const cloud_reaction& reaction_to(std::string_view Code) noexcept {
    return find_reaction(table, Code);
}
std::vector<code_reason> reasons() {
    return reasons_of(table);
}
std::string fault_of_receipt(std::string_view err_code, bool success) {
    return receipt_fault(receipts, err_code, success);
}
std::vector<code_reason> receipt_reasons() {
    return reasons_of(receipts);
}

} // namespace zhida::gateways::aliyun
