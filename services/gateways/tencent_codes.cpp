#include "services/gateways/tencent_codes.hpp"

namespace zhida::gateways::tencent {

namespace {

using enum send_outcome;
using pause = cloud_reaction::pause;
using again = cloud_reaction::again;

constexpr cloud_reaction defer(const char* code, again when, const char* words) {
    return {code, retry, pause::none, when, "", false, false, reason_class::retry, words};
}
constexpr cloud_reaction bad_number(const char* code, const char* words) {
    return {code, rejected, pause::none, again::none, "bad_number", false, false, reason_class::permanent,
            words};
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
constexpr cloud_reaction in_doubt(const char* code, const char* words) {
    return {code, unknown, pause::none, again::none, "", false, true, reason_class::in_doubt, words};
}

constexpr cloud_reaction table[] = {
    {"Ok", accepted, pause::none, again::none, "", false, false, reason_class::accepted, "已接收"},

    defer("LimitExceeded.PhoneNumberThirtySecondLimit", again::half_minute, "此号码 30 秒内次数已满"),
    defer("LimitExceeded.PhoneNumberOneHourLimit", again::hour, "此号码 1 小时内次数已满"),
    defer("LimitExceeded.PhoneNumberDailyLimit", again::day, "此号码当日次数已满"),
    defer("LimitExceeded.PhoneNumberSameContentDailyLimit", again::day, "此号码当日相同内容次数已满"),
    defer("LimitExceeded.DeliveryFrequencyLimit", again::hour, "命中频率限制策略"),
    defer("FailedOperation.MarketingSendTimeConstraint", again::morning, "营销短信只在 8 点到 22 点发送"),

    {"RequestLimitExceeded", retry, pause::slow_channel, again::soon, "", false, false,
     reason_class::slow_down, "请求太频繁"},
    {"RequestLimitExceeded.*", retry, pause::slow_channel, again::soon, "", false, false,
     reason_class::slow_down, "请求太频繁"},
    quota("LimitExceeded.AppDailyLimit", "应用当日发送量已达上限"),
    quota("LimitExceeded.AppMainlandChinaDailyLimit", "应用当日国内发送量已达上限"),
    quota("LimitExceeded.DailyLimit", "当日发送量已达上限"),

    {"FailedOperation.PhoneNumberInBlacklist", rejected, pause::none, again::none, "refused", false, false,
     reason_class::opt_out, "用户已退订，或在运营商黑名单"},
    bad_number("InvalidParameterValue.IncorrectPhoneNumber", "手机号码格式错误"),
    bad_number("FailedOperation.PhoneNumberParseFail", "手机号码解析失败"),
    bad_number("UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone", "国内模板不可发境外号码"),

    content("FailedOperation.ContainSensitiveWord", "含敏感词"),
    content("InvalidParameter.DirtyWordFound", "含敏感词"),
    content("FailedOperation.TemplateIncorrectOrUnapproved", "模板未审核通过或内容不符"),
    content("FailedOperation.TemplateUnapprovedOrNotExist", "模板不存在或未审核通过"),
    content("FailedOperation.TemplateIdNotExist", "模板不存在"),
    content("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", "变量与模板不符"),
    content("FailedOperation.SignatureIncorrectOrUnapproved", "签名未审核通过或格式错误"),
    content("InvalidParameterValue.TemplateParameterFormatError", "变量格式错误"),
    content("InvalidParameterValue.TemplateParameterLengthLimit", "变量太长"),
    content("InvalidParameterValue.ProhibitedUseUrlInTemplateParameter", "变量中不可有网址"),
    content("InvalidParameterValue.ContentLengthLimit", "内容太长"),
    content("InvalidParameterValue.MarketingTemplateWithoutUnsubscribe", "营销模板没有退订方式"),
    content("UnsupportedOperation.GlobalTemplateToChineseMainlandPhone", "国际模板不可发国内号码"),
    content("UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber", "国内与境外号码混在一起"),
    content("LimitExceeded.PhoneNumberCountLimit", "一次的号码太多"),
    content("FailedOperation.FailResolvePacket", "请求包解析失败"),
    content("FailedOperation.JsonParseFail", "请求体解析失败"),
    content("InternalError.JsonParseFail", "参数解析失败"),

    stop("FailedOperation.InsufficientBalanceInSmsPackage", "套餐包余量不足"),
    stop("UnauthorizedOperation.SerivceSuspendDueToArrears", "欠费停止服务"), // so the vendor spells it
    stop("UnauthorizedOperation.ServiceSuspendDueToArrears", "欠费停止服务"),
    stop("UnauthorizedOperation.SdkAppIdIsDisabled", "SdkAppId 已禁用"),
    stop("UnauthorizedOperation.RequestIpNotInWhitelist", "本机地址不在 IP 白名单"),
    stop("UnauthorizedOperation.RequestPermissionDeny", "请求没有权限"),
    stop("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId 不属于此账号"),
    stop("UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny", "个人用户不可发营销短信"),
    stop("InvalidParameterValue.SdkAppIdNotExist", "SdkAppId 不存在：检查 app_id"),
    stop("InvalidParameter.AppidAndBizId", "账号与应用不符：检查 app_id"),
    stop("AuthFailure.SignatureExpire", "签名过期：检查本机时钟"),
    stop("AuthFailure.*", "密钥或签名不对：检查 access_key、secret"),
    stop("UnauthorizedOperation", "没有权限"),
    stop("UnsupportedRegion", "地域不支持：检查 region"),
    stop("UnsupportedOperation.UnsupportedRegion", "地域不支持：检查 region"),
    // Refused before anything was done.
    stop("InternalError.RequestTimeException", "请求时间不被接受：检查本机时钟"),
    stop("InternalError.SigFieldMissing", "签名缺失"),
    stop("InternalError.SigVerificationFail", "签名校验失败"),
    stop("InternalError.RestApiInterfaceNotExist", "接口不存在：检查 base_url"),

    in_doubt("InternalError.Timeout", "下发超时，可能已接收"),
    in_doubt("InternalError.SendAndRecvFail", "平台收发超时，可能已接收"),
    in_doubt("InternalError", "平台内部错误，可能已接收"),
    in_doubt("InternalError.*", "平台内部错误，可能已接收"),

    {"*", rejected, pause::none, again::none, "", false, true, reason_class::unknown, "没有见过的代码"},
};

constexpr cloud_receipt_code receipts[] = {
    {"DELIVRD", reason_class::accepted, "", "已送达"},
    {"*", reason_class::unknown, "", "运营商网络的代码：见 CMPP 的表"},
};

} // namespace

const cloud_reaction& reaction_to(std::string_view Code) noexcept {
    return find_reaction(table, Code);
}
std::vector<code_reason> reasons() {
    return reasons_of(table);
}
std::string fault_of_receipt(std::string_view errmsg, bool success) {
    return receipt_fault(receipts, errmsg, success);
}
std::vector<code_reason> receipt_reasons() {
    return reasons_of(receipts);
}

} // namespace zhida::gateways::tencent
