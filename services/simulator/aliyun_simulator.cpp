#include "services/simulator/aliyun_simulator.hpp"

#include "common/base/crypto.hpp"
#include "common/io/http_decode.hpp"
#include "services/gateways/sms_text.hpp"
#include "services/simulator/acs3_check.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_map>

namespace zhida::simulator {

namespace {

constexpr std::string_view api_version = "2017-05-25";
constexpr std::size_t most_numbers = 1000, most_of_batch = 100, most_out_id = 255;

using parameters = std::map<std::string, std::string>;

// What is answered; code "OK" where the call was good.
struct answer {
    int status = 200;
    std::string code = "OK", message = "OK";
    bool good() const noexcept { return code == "OK"; }
};
answer missing(const char* parameter) {
    return {400, std::string("Missing") + parameter,
            std::string(parameter) + " is mandatory for this action."};
}
answer business(std::string code, std::string message) {
    return {200, std::move(code), std::move(message)};
}

// What the front door of all of Aliyun's services answers has a status of its own; codes of the SMS service
// itself (isv., isp.) come with 200.
int status_of(const std::string& code) {
    if (code.starts_with("isv.") || code.starts_with("isp.")) return 200;
    if (code.starts_with("ServiceUnavailable")) return 503;
    if (code.starts_with("InternalError")) return 500;
    if (code.starts_with("Forbidden")) return 403;
    return code.ends_with(".NotFound") ? 404 : 400;
}

struct recipient {
    std::string phone, sign_name, extension;
    json variables = json::object();
};
// SendSms and SendBatchSms alike.
struct batch {
    std::vector<recipient> recipients;
    std::string template_code, out_id;
};

std::string request_id() {
    auto hex = crypto::hex(crypto::random_bytes(16));
    for (auto& c : hex)
        if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) +
           "-" + hex.substr(20);
}

std::string parameter(const parameters& p, const char* name) {
    const auto found = p.find(name);
    return found == p.end() ? "" : found->second;
}

std::optional<std::int64_t> whole_number(const std::string& text, std::int64_t low, std::int64_t high) {
    std::int64_t n = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), n);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size() || n < low ||
        n > high)
        return std::nullopt;
    return n;
}

// Query and form together; nothing where either is broken.
std::optional<parameters> read_parameters(const io::http_request& r) {
    parameters out = r.query;
    if (!r.header("content-type").starts_with("application/x-www-form-urlencoded")) return out;
    auto form = io::decode_form(r.body);
    if (!form) return std::nullopt;
    out.merge(*form);
    return out;
}

answer read_phone(const std::string& text, recipient& out) {
    const auto phone = mainland_phone(text);
    if (!phone) return business("isv.MOBILE_NUMBER_ILLEGAL", text + "invalid mobile number");
    out.phone = *phone;
    return {};
}

answer read_extension(const std::string& text, recipient& out) {
    constexpr std::size_t most = 20;
    if (text.size() > most || text.find_first_not_of("0123456789") != std::string::npos)
        return business("isv.EXTEND_CODE_ERROR", "扩展码使用错误");
    out.extension = text;
    return {};
}

answer read_send_sms(const parameters& p, batch& out) {
    const auto phones = parameter(p, "PhoneNumbers"), sign_name = parameter(p, "SignName");
    if (phones.empty()) return missing("PhoneNumbers");
    if (sign_name.empty()) return missing("SignName");
    json variables = json::object();
    if (const auto text = parameter(p, "TemplateParam"); !text.empty()) {
        const auto read = parse_json(text);
        if (!read || !read->is_object()) return business("isv.INVALID_JSON_PARAM", "参数不是JSON对象");
        variables = *read;
    }
    for (std::size_t at = 0; at <= phones.size();) {
        const auto end = std::min(phones.find(',', at), phones.size());
        recipient one;
        if (auto a = read_phone(phones.substr(at, end - at), one); !a.good()) return a;
        if (auto a = read_extension(parameter(p, "SmsUpExtendCode"), one); !a.good()) return a;
        one.sign_name = sign_name;
        one.variables = variables;
        out.recipients.push_back(std::move(one));
        at = end + 1;
    }
    if (out.recipients.size() > most_numbers)
        return business("isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制");
    return {};
}

// JSON arrays, by index.
answer read_send_batch_sms(const parameters& p, batch& out) {
    for (const char* name : {"PhoneNumberJson", "SignNameJson"})
        if (parameter(p, name).empty()) return missing(name);
    json lists[4];
    const char* names[] = {"PhoneNumberJson", "SignNameJson", "TemplateParamJson", "SmsUpExtendCodeJson"};
    for (std::size_t i = 0; i < 4; ++i) {
        const auto text = parameter(p, names[i]);
        if (text.empty()) continue;
        const auto read = parse_json(text);
        if (!read || !read->is_array())
            return business("isv.INVALID_JSON_PARAM", std::string(names[i]) + "不是JSON数组");
        lists[i] = *read;
    }
    if (lists[0].size() > most_of_batch)
        return business("isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制");
    if (lists[0].empty() || lists[1].size() != lists[0].size() ||
        (!lists[2].is_null() && lists[2].size() != lists[0].size()) ||
        (!lists[3].is_null() && lists[3].size() != lists[0].size()))
        return business("isv.INVALID_PARAMETERS", "号码、签名、变量与扩展码的个数不一致");
    for (std::size_t i = 0; i < lists[0].size(); ++i) {
        recipient one;
        if (!lists[0][i].is_string() || !lists[1][i].is_string())
            return business("isv.INVALID_JSON_PARAM", "号码与签名须为字符串");
        if (auto a = read_phone(lists[0][i].get<std::string>(), one); !a.good()) return a;
        one.sign_name = lists[1][i].get<std::string>();
        if (!lists[2].is_null()) one.variables = lists[2][i];
        if (!lists[3].is_null()) {
            if (!lists[3][i].is_string()) return business("isv.INVALID_JSON_PARAM", "扩展码须为字符串");
            if (auto a = read_extension(lists[3][i].get<std::string>(), one); !a.good()) return a;
        }
        if (!one.variables.is_object()) return business("isv.INVALID_JSON_PARAM", "参数不是JSON对象");
        out.recipients.push_back(std::move(one));
    }
    return {};
}

// Of a template that we know, with its signature; nothing otherwise.
std::optional<std::string> text_of(const cloud_options& o, const batch& b, const recipient& r) {
    const auto found = o.templates.find(b.template_code);
    if (found == o.templates.end()) return std::nullopt;
    return "【" + r.sign_name + "】" +
           fill_template(found->second, "${", [&r](const std::string& name) -> std::optional<std::string> {
               if (!r.variables.contains(name)) return std::nullopt;
               return r.variables.at(name).get<std::string>();
           }).text;
}

answer check_content(const cloud_options& o, const batch& b) {
    if (b.template_code.empty()) return missing("TemplateCode");
    if (b.out_id.size() > most_out_id) return business("isv.INVALID_PARAMETERS", "OutId过长");
    const auto known = o.templates.find(b.template_code);
    if (!o.templates.empty() && known == o.templates.end())
        return business("isv.SMS_TEMPLATE_ILLEGAL", "模板不合法(不存在或被拉黑)");
    for (const auto& r : b.recipients) {
        // The service puts the brackets there itself.
        if (r.sign_name.find("【") != std::string::npos ||
            (!o.signatures.empty() && !o.signatures.contains(r.sign_name)))
            return business("isv.SMS_SIGNATURE_ILLEGAL", "签名不合法(不存在或被拉黑)");
        for (const auto& [name, value] : r.variables.items()) {
            if (!value.is_string())
                return business("isv.INVALID_JSON_PARAM", "参数格式错误，请修改为字符串值");
            if (o.refuse_urls && holds_url(value.get<std::string>()))
                return business("isv.PARAM_NOT_SUPPORT_URL", "变量不支持传入URL");
        }
        if (known == o.templates.end()) continue;
        const auto filled =
            fill_template(known->second, "${", [&r](const std::string& name) -> std::optional<std::string> {
                if (!r.variables.contains(name)) return std::nullopt;
                return "";
            });
        if (!filled.missing.empty())
            return business("isv.TEMPLATE_MISSING_PARAMETERS",
                            "模板变量缺少对应参数值:" + filled.missing.front());
    }
    return {};
}

// One message, as QuerySendDetails tells of it.
struct sent_message {
    std::string account, biz_id, phone, template_code, out_id, content;
    wall_time sent_at{}, received_at{};
    int status = 1; // SendStatus: 1 waiting, 2 failed, 3 received
    std::string err_code;
};

} // namespace

struct aliyun_simulator::impl : std::enable_shared_from_this<aliyun_simulator::impl> {
    impl(asio::any_io_executor ex, const clock& c, cloud_options o, message_log& l, fault_table& f)
        : cloud(ex, c, std::move(o), l, f, "code", false) {
        restore();
    }

    cloud_service cloud;
    nonce_memory nonces;
    std::vector<sent_message> sent;
    std::unordered_map<std::string, std::vector<std::size_t>> of_phone; // indices of `sent`
    std::int64_t counter = 0, replies = 0;

    void restore();
    void keep(sent_message m) {
        of_phone[m.phone].push_back(sent.size());
        sent.push_back(std::move(m));
    }
    io::http_response reply(const answer& a, json more = json::object());
    static asio::awaitable<io::http_response> serve(std::shared_ptr<impl> self, io::http_request r);
    static asio::awaitable<io::http_response> send(std::shared_ptr<impl> self, cloud_account account,
                                                   batch b);
    answer check_numbers(const cloud_account& account, const batch& b);
    bool take(const cloud_account& account, const batch& b, const std::string& biz_id);
    json receipt(std::size_t index, const fault_rule& f, std::int64_t size, bool success);
    io::http_response query(const cloud_account& account, const parameters& p);
};

// What an earlier run took; its receipts were pushed or are lost.
void aliyun_simulator::impl::restore() {
    for (const auto& m : cloud.log.all()) {
        if (m.channel != "sms" || m.more.value("vendor", "") != "aliyun") continue;
        sent_message s;
        s.account = m.more.value("gateway", "");
        s.biz_id = m.id;
        s.phone = m.to;
        s.template_code = m.more.value("template", "");
        s.out_id = m.more.value("out_id", "");
        s.content = m.more.value("text", "");
        s.sent_at = s.received_at = wall_time(milliseconds(m.time_ms));
        s.status = 3;
        s.err_code = "DELIVERED";
        keep(std::move(s));
    }
}

io::http_response aliyun_simulator::impl::reply(const answer& a, json more) {
    if (!a.good()) ++cloud.counters.refused[a.code];
    io::http_response r;
    r.status = a.status;
    r.content_type = "application/json;charset=utf-8";
    more["Code"] = a.code;
    more["Message"] = a.message;
    more["RequestId"] = request_id();
    r.body = to_text(more);
    return r;
}

asio::awaitable<io::http_response> aliyun_simulator::impl::serve(std::shared_ptr<impl> self,
                                                                 io::http_request r) {
    ++self->cloud.counters.requests;
    const auto now = self->cloud.time.now();
    const auto signature = check_acs3({r.method, r.target, r.headers, r.body}, self->cloud.keys(), now);
    if (!signature.good()) co_return self->reply({signature.status, signature.code, signature.message});
    if (!self->nonces.use(signature.key_id, r.header("x-acs-signature-nonce"), now))
        co_return self->reply({400, "SignatureNonceUsed", "Specified signature nonce was used already."});
    if (r.header("x-acs-version") != api_version)
        co_return self->reply({400, "InvalidVersion", "Specified parameter Version is not valid."});
    const auto& account = self->cloud.account(signature.key_id);
    const auto p = read_parameters(r);
    if (!p) co_return self->reply({400, "InvalidParameter", "The form cannot be decoded."});
    const auto action = r.header("x-acs-action");
    if (action == "QuerySendDetails") co_return self->query(account, *p);
    if (action != "SendSms" && action != "SendBatchSms")
        co_return self->reply(
            {404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."});
    if (!self->cloud.within_rate(account))
        co_return self->reply({400, "Throttling.User", "Request was denied due to user flow control."});
    batch b;
    b.template_code = parameter(*p, "TemplateCode");
    b.out_id = parameter(*p, "OutId");
    const auto read = action == "SendSms" ? read_send_sms(*p, b) : read_send_batch_sms(*p, b);
    if (!read.good()) co_return self->reply(read);
    if (const auto content = check_content(self->cloud.options, b); !content.good())
        co_return self->reply(content);
    co_return co_await send(self, account, std::move(b));
}

asio::awaitable<io::http_response> aliyun_simulator::impl::send(std::shared_ptr<impl> self,
                                                                cloud_account account, batch b) {
    std::vector<fault_rule> faults;
    faults.reserve(b.recipients.size());
    for (const auto& r : b.recipients) faults.push_back(self->cloud.fault(account, r.phone));
    co_await self->cloud.answer_late(faults);
    // One code for all of a request: the first rule that has one.
    for (const auto& f : faults) {
        if (!f.code.empty())
            co_return self->reply(
                {static_cast<int>(f.http_status.value_or(status_of(f.code))), f.code, f.text});
        if (f.http_status)
            co_return self->reply({static_cast<int>(*f.http_status), "ServiceUnavailable",
                                   "The request has failed due to a temporary failure of the server."});
    }
    if (const auto numbers = self->check_numbers(account, b); !numbers.good()) co_return self->reply(numbers);
    const auto first = self->sent.size();
    const auto biz_id = std::to_string(self->cloud.time.now().time_since_epoch().count()) +
                        std::to_string(10'000 + ++self->counter % 90'000) + "^0";
    if (!self->take(account, b, biz_id)) co_return self->reply({200, "isp.SYSTEM_ERROR", "system error"});
    bool early = false, dropped = false;
    for (std::size_t i = 0; i < faults.size(); ++i) {
        const auto size = gateways::billed_parts(self->sent[first + i].content);
        // The record is found by its place: `sent` only grows.
        self->cloud.report(account, faults[i],
                           [raw = self.get(), index = first + i, f = faults[i],
                            parts = size ? static_cast<std::int64_t>(*size) : 1](bool success) {
                               return raw->receipt(index, f, parts, success);
                           });
        early = early || faults[i].report == "early";
        dropped = dropped || faults[i].drop_response;
    }
    if (early) co_await self->cloud.after_early_receipts(account);
    // Longer than any client waits: it is taken, and the answer is lost.
    if (dropped) co_await self->cloud.nap(milliseconds(600'000));
    co_return self->reply({}, {{"BizId", biz_id}});
}

answer aliyun_simulator::impl::check_numbers(const cloud_account& account, const batch& b) {
    const auto now = cloud.time.now();
    for (const auto& r : b.recipients) {
        const auto key = account.name + "\n" + r.sign_name + "\n" + r.phone;
        const auto refused = [](const char* window, std::int64_t permits) {
            return business("isv.BUSINESS_LIMIT_CONTROL",
                            std::string("触发") + window + "级流控Permits:" + std::to_string(permits));
        };
        const auto& l = cloud.options.limits;
        switch (cloud.numbers.check(key, l, now)) {
        case number_counts::reached::moment:
            return refused("分钟", l.per_moment);
        case number_counts::reached::hour:
            return refused("小时", l.per_hour);
        case number_counts::reached::day:
            return refused("天", l.per_day);
        case number_counts::reached::none:
            break;
        }
    }
    for (const auto& r : b.recipients)
        cloud.numbers.add(account.name + "\n" + r.sign_name + "\n" + r.phone, now);
    return {};
}

// False where it cannot be recorded.
bool aliyun_simulator::impl::take(const cloud_account& account, const batch& b, const std::string& biz_id) {
    const auto now = cloud.time.now();
    for (const auto& r : b.recipients) {
        const auto text = text_of(cloud.options, b, r);
        message m;
        m.time_ms = now.time_since_epoch().count();
        m.channel = "sms";
        m.to = r.phone;
        m.id = biz_id;
        m.more = {{"vendor", "aliyun"},          {"gateway", account.name},  {"sign_name", r.sign_name},
                  {"template", b.template_code}, {"variables", r.variables}, {"out_id", b.out_id}};
        if (text) m.more["text"] = *text;
        if (!r.extension.empty()) m.more["extension"] = r.extension;
        if (!cloud.record(std::move(m))) return false;
        ++cloud.counters.accepted;
        sent_message s;
        s.account = account.name;
        s.biz_id = biz_id;
        s.phone = r.phone;
        s.template_code = b.template_code;
        s.out_id = b.out_id;
        s.content = text.value_or("");
        s.sent_at = now;
        keep(std::move(s));
    }
    return true;
}

json aliyun_simulator::impl::receipt(std::size_t index, const fault_rule& f, std::int64_t size,
                                     bool success) {
    auto& s = sent[index];
    s.received_at = cloud.time.now();
    s.status = success ? 3 : 2;
    s.err_code = success               ? "DELIVERED"
                 : !f.err_code.empty() ? f.err_code
                 : f.stat != "DELIVRD" ? f.stat
                                       : "UNDELIV";
    return {{"phone_number", s.phone},
            {"send_time", shanghai_time(s.sent_at)},
            {"report_time", shanghai_time(s.received_at)},
            {"success", success},
            {"err_code", s.err_code},
            {"err_msg", success ? "用户接收成功" : "短信发送失败"},
            {"sms_size", std::to_string(size)},
            {"biz_id", s.biz_id},
            {"out_id", s.out_id}};
}

io::http_response aliyun_simulator::impl::query(const cloud_account& account, const parameters& p) {
    for (const char* name : {"PhoneNumber", "SendDate", "PageSize", "CurrentPage"})
        if (parameter(p, name).empty()) return reply(missing(name));
    const auto phone = mainland_phone(parameter(p, "PhoneNumber"));
    if (!phone) return reply(business("isv.MOBILE_NUMBER_ILLEGAL", "invalid mobile number"));
    const auto page_size = whole_number(parameter(p, "PageSize"), 1, 50),
               page = whole_number(parameter(p, "CurrentPage"), 1, INT32_MAX);
    const auto date = parameter(p, "SendDate");
    std::int32_t day = 0;
    if (!page_size || !page || date.size() != 8 ||
        !parse_date(date.substr(0, 4) + "-" + date.substr(4, 2) + "-" + date.substr(6), day))
        return reply(business("isv.INVALID_PARAMETERS", "参数异常"));
    const auto biz_id = parameter(p, "BizId");
    json page_of = json::array();
    std::int64_t total = 0;
    if (const auto found = of_phone.find(*phone); found != of_phone.end())
        for (auto index = found->second.rbegin(); index != found->second.rend(); ++index) { // newest first
            const auto& s = sent[*index];
            if (s.account != account.name || shanghai_day(s.sent_at) != day ||
                (!biz_id.empty() && s.biz_id != biz_id))
                continue;
            if (const auto at = total++; at < (*page - 1) * *page_size || at >= *page * *page_size) continue;
            json one = {{"PhoneNum", s.phone},    {"SendDate", shanghai_time(s.sent_at)},
                        {"SendStatus", s.status}, {"TemplateCode", s.template_code},
                        {"Content", s.content},   {"OutId", s.out_id}};
            if (s.status != 1) {
                one["ReceiveDate"] = shanghai_time(s.received_at);
                one["ErrCode"] = s.err_code;
            }
            page_of.push_back(std::move(one));
        }
    return reply(
        {}, {{"TotalCount", std::to_string(total)}, {"SmsSendDetailDTOs", {{"SmsSendDetailDTO", page_of}}}});
}

aliyun_simulator::aliyun_simulator(asio::any_io_executor executor, const clock& time, cloud_options options,
                                   message_log& log, fault_table& faults)
    : impl_(std::make_shared<impl>(executor, time, std::move(options), log, faults)) {}
aliyun_simulator::~aliyun_simulator() = default;

bool aliyun_simulator::meant(const io::http_request& r) {
    return r.headers.contains("x-acs-action");
}
asio::awaitable<io::http_response> aliyun_simulator::serve(io::http_request r) {
    return impl::serve(impl_, std::move(r));
}
result<void> aliyun_simulator::write_back(const inbound_message& m) {
    auto& c = impl_->cloud;
    const auto sequence = std::to_string(++impl_->replies);
    return c.reply(m, {{"phone_number", m.phone},
                       {"send_time", shanghai_time(c.time.now())},
                       {"content", m.text},
                       {"dest_code", m.to},
                       {"sequence_id", sequence}});
}
asio::awaitable<void> aliyun_simulator::run() {
    const auto self = impl_;
    co_await self->cloud.run();
}
void aliyun_simulator::stop() {
    impl_->cloud.stop();
}
cloud_service& aliyun_simulator::service() noexcept {
    return impl_->cloud;
}
cloud_stats aliyun_simulator::stats() const {
    return impl_->cloud.stats();
}

} // namespace zhida::simulator
