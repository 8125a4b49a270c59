#include "services/simulator/tencent_simulator.hpp"

#include "common/base/crypto.hpp"
#include "common/base/log.hpp"
#include "services/gateways/sms_text.hpp"
#include "services/simulator/tc3_check.hpp"

#include <algorithm>
#include <charconv>
#include <deque>

namespace zhida::simulator {

namespace {

constexpr std::string_view api_version = "2021-01-11";
constexpr std::size_t most_numbers = 200, most_context = 511, most_pulled = 100;
constexpr std::size_t most_waiting = 100'000; // statuses that nobody pulls

// Response.Error of a request, or Code and Message of one number.
struct fault_code {
    std::string code, message;
};

struct send_sms {
    std::vector<std::string> phones, variables;
    std::string template_id, sign_name, session_context, extension;
};

// What became of one number.
struct send_status {
    std::string phone; // as it was given
    std::string serial_no, session_context;
    std::int64_t fee = 0;
    fault_code code{"Ok", "send success"};
};
json to_json(const send_status& s) {
    return {{"SerialNo", s.serial_no},
            {"PhoneNumber", s.phone},
            {"Fee", s.fee},
            {"SessionContext", s.session_context},
            {"Code", s.code.code},
            {"Message", s.code.message},
            {"IsoCode", s.serial_no.empty() ? "" : "CN"}};
}

std::string request_id() {
    const auto hex = crypto::hex(crypto::random_bytes(16));
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) +
           "-" + hex.substr(20);
}

// "+8613800000001"; the mainland's may be written without +86.
bool foreign(const std::string& phone) {
    return phone.starts_with('+') && !phone.starts_with("+86");
}

std::optional<fault_code> read_texts(const json& body, const char* name, bool required,
                                     std::vector<std::string>& out) {
    if (!body.contains(name) || body.at(name).is_null()) {
        if (!required) return std::nullopt;
        return fault_code{"MissingParameter",
                          std::string("The request is missing a required parameter `") + name + "`."};
    }
    if (!body.at(name).is_array())
        return fault_code{"InvalidParameter", std::string("The parameter `") + name + "` is not an array."};
    for (const auto& one : body.at(name)) {
        if (!one.is_string())
            return fault_code{"InvalidParameter",
                              std::string("The value type of parameter `") + name + ".N` is not String."};
        out.push_back(one.get<std::string>());
    }
    return std::nullopt;
}

std::optional<fault_code> read_text(const json& body, const char* name, bool required, std::string& out) {
    if (!body.contains(name)) {
        if (!required) return std::nullopt;
        return fault_code{"MissingParameter",
                          std::string("The request is missing a required parameter `") + name + "`."};
    }
    if (!body.at(name).is_string())
        return fault_code{"InvalidParameter",
                          std::string("The value type of parameter `") + name + "` is not String."};
    out = body.at(name).get<std::string>();
    return std::nullopt;
}

std::optional<fault_code> read_app_id(const json& body, const cloud_account& account) {
    std::string app_id;
    if (auto f = read_text(body, "SmsSdkAppId", true, app_id)) return f;
    if (app_id == account.app_id) return std::nullopt;
    return fault_code{"UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId verification failed."};
}

std::optional<fault_code> read_send_sms(const json& body, const cloud_account& account, send_sms& out) {
    if (auto f = read_texts(body, "PhoneNumberSet", true, out.phones)) return f;
    if (auto f = read_app_id(body, account)) return f;
    if (auto f = read_text(body, "TemplateId", true, out.template_id)) return f;
    if (auto f = read_text(body, "SignName", false, out.sign_name)) return f;
    if (auto f = read_texts(body, "TemplateParamSet", false, out.variables)) return f;
    if (auto f = read_text(body, "SessionContext", false, out.session_context)) return f;
    if (auto f = read_text(body, "ExtendCode", false, out.extension)) return f;
    if (out.extension.find_first_not_of("0123456789") != std::string::npos)
        return fault_code{"UnauthorizedOperation.RequestPermissionDeny", "ExtendCode must be digits."};
    if (out.phones.empty())
        return fault_code{"InvalidParameterValue.IncorrectPhoneNumber", "The number list is empty."};
    if (out.phones.size() > most_numbers)
        return fault_code{"LimitExceeded.PhoneNumberCountLimit", "More than 200 numbers in one request."};
    if (out.session_context.size() > most_context)
        return fault_code{"InvalidParameterValue", "SessionContext must be shorter than 512 bytes."};
    const auto abroad = std::count_if(out.phones.begin(), out.phones.end(), foreign);
    if (abroad != 0 && static_cast<std::size_t>(abroad) != out.phones.size())
        return fault_code{"UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
                          "The request contains both domestic and international numbers."};
    return std::nullopt;
}

// {1} is the first variable.
std::optional<std::string> nth_variable(const std::vector<std::string>& variables, const std::string& name) {
    std::size_t n = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), n);
    if (read.ec != std::errc() || read.ptr != name.data() + name.size() || n < 1 || n > variables.size())
        return std::nullopt;
    return variables[n - 1];
}

// The same for every number of a request, and yet told of each.
std::optional<fault_code> check_content(const cloud_options& o, const send_sms& s, std::string& text) {
    const auto known = o.templates.find(s.template_id);
    if (!o.templates.empty() && known == o.templates.end())
        return fault_code{"FailedOperation.TemplateIncorrectOrUnapproved",
                          "template is not approved or request content does not match the approved template "
                          "content"};
    // The service puts the brackets there itself.
    if (s.sign_name.empty() || s.sign_name.find("【") != std::string::npos ||
        (!o.signatures.empty() && !o.signatures.contains(s.sign_name)))
        return fault_code{"FailedOperation.SignatureIncorrectOrUnapproved",
                          "signature is in an incorrect format or not approved"};
    for (const auto& v : s.variables)
        if (o.refuse_urls && holds_url(v))
            return fault_code{"InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
                              "a template parameter must not hold a URL"};
    if (known == o.templates.end()) return std::nullopt;
    std::size_t used = 0;
    const auto filled = fill_template(known->second, "{", [&](const std::string& name) {
        auto value = nth_variable(s.variables, name);
        if (value) ++used;
        return value;
    });
    if (!filled.missing.empty() || used != s.variables.size())
        return fault_code{"FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
                          "request content does not match the template content"};
    text = "【" + s.sign_name + "】" + filled.text;
    return std::nullopt;
}

// One message that was taken.
struct sent_message {
    std::string phone, serial_no, session_context; // phone: eleven digits
    std::optional<bool> told;                      // what its status said last
};

} // namespace

struct tencent_simulator::impl : std::enable_shared_from_this<tencent_simulator::impl> {
    impl(asio::any_io_executor ex, const clock& c, cloud_options o, message_log& l, fault_table& f)
        : cloud(ex, c, std::move(o), l, f, "result", true) {
        cloud.options.limits.moment = milliseconds(30'000);
    }

    cloud_service cloud;
    std::map<std::string, std::deque<json>> to_pull; // PullSmsSendStatus, by account
    std::int64_t counter = 0;

    io::http_response reply(json response);
    io::http_response error(fault_code f);
    static asio::awaitable<io::http_response> serve(std::shared_ptr<impl> self, io::http_request r);
    static asio::awaitable<io::http_response> send(std::shared_ptr<impl> self, cloud_account account,
                                                   send_sms s);
    send_status judge(const cloud_account& account, const send_sms& s, const std::string& phone,
                      const fault_rule& f, std::string& text, const std::optional<fault_code>& content);
    bool take(const cloud_account& account, const send_sms& s, const std::string& text, send_status& status);
    void report(const cloud_account& account, const send_status& status, const fault_rule& f);
    json receipt(const std::string& account, sent_message& m, const fault_rule& f, bool success);
    io::http_response pull(const cloud_account& account, const json& body);
};

io::http_response tencent_simulator::impl::reply(json response) {
    response["RequestId"] = request_id();
    io::http_response r;
    r.content_type = "application/json";
    r.body = to_text({{"Response", std::move(response)}});
    return r;
}

io::http_response tencent_simulator::impl::error(fault_code f) {
    ++cloud.counters.refused[f.code];
    return reply({{"Error", {{"Code", f.code}, {"Message", f.message}}}});
}

asio::awaitable<io::http_response> tencent_simulator::impl::serve(std::shared_ptr<impl> self,
                                                                  io::http_request r) {
    ++self->cloud.counters.requests;
    const auto signature =
        check_tc3({r.method, r.target, r.headers, r.body}, self->cloud.keys(), self->cloud.time.now());
    if (!signature.good()) co_return self->error({signature.code, signature.message});
    if (r.header("x-tc-version") != api_version)
        co_return self->error({"NoSuchVersion", "The specified version does not exist."});
    if (r.header("x-tc-region").empty())
        co_return self->error({"MissingParameter", "The request is missing a required parameter `Region`."});
    const auto account = self->cloud.account(signature.key_id);
    const auto action = r.header("x-tc-action");
    if (action != "SendSms" && action != "PullSmsSendStatus")
        co_return self->error({"InvalidAction", "The request action=`" + action + "` is invalid."});
    if (!self->cloud.within_rate(account))
        co_return self->error({"RequestLimitExceeded", "Your current request times exceeded the limit."});
    const auto body = parse_json(r.body);
    if (!body || !body->is_object())
        co_return self->error({"FailedOperation.FailResolvePacket", "The request cannot be parsed."});
    if (action == "PullSmsSendStatus") co_return self->pull(account, *body);
    send_sms s;
    if (auto f = read_send_sms(*body, account, s)) co_return self->error(std::move(*f));
    co_return co_await send(self, account, std::move(s));
}

asio::awaitable<io::http_response> tencent_simulator::impl::send(std::shared_ptr<impl> self,
                                                                 cloud_account account, send_sms s) {
    std::vector<fault_rule> faults;
    faults.reserve(s.phones.size());
    for (const auto& phone : s.phones)
        faults.push_back(self->cloud.fault(account, mainland_phone(phone).value_or(phone)));
    co_await self->cloud.answer_late(faults);
    for (const auto& f : faults) {
        if (f.http_status) {
            auto r = self->error({"InternalError", "An internal error has occurred."});
            r.status = static_cast<int>(*f.http_status);
            co_return r;
        }
        if (f.whole_request && !f.code.empty()) co_return self->error({f.code, f.text});
    }
    std::string text;
    const auto content = check_content(self->cloud.options, s, text);
    json all = json::array();
    bool early = false, dropped = false;
    for (std::size_t i = 0; i < faults.size(); ++i) {
        auto status = self->judge(account, s, s.phones[i], faults[i], text, content);
        all.push_back(to_json(status));
        if (status.serial_no.empty()) {
            ++self->cloud.counters.refused[status.code.code];
        } else {
            self->report(account, status, faults[i]);
            early = early || faults[i].report == "early";
        }
        dropped = dropped || faults[i].drop_response;
    }
    if (early) co_await self->cloud.after_early_receipts(account);
    // Longer than any client waits: it is taken, and the answer is lost.
    if (dropped) co_await self->cloud.nap(milliseconds(600'000));
    co_return self->reply({{"SendStatusSet", all}});
}

// Takes it where nothing is wrong with it.
send_status tencent_simulator::impl::judge(const cloud_account& account, const send_sms& s,
                                           const std::string& phone, const fault_rule& f, std::string& text,
                                           const std::optional<fault_code>& content) {
    send_status out;
    out.phone = phone;
    out.session_context = s.session_context;
    const auto refused = [&out](std::string code, std::string message) {
        out.code = {std::move(code), std::move(message)};
        return out;
    };
    const auto digits = mainland_phone(phone);
    if (foreign(phone)) return refused("UnsupportedOperation.UnsupportedRegion", "unsupported region");
    if (!digits) return refused("InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number");
    if (!f.code.empty()) return refused(f.code, f.text);
    if (content) return refused(content->code, content->message);
    const auto key = account.name + "\n" + s.sign_name + "\n" + *digits;
    switch (cloud.numbers.check(key, cloud.options.limits, cloud.time.now())) {
    case number_counts::reached::moment:
        return refused("LimitExceeded.PhoneNumberThirtySecondLimit",
                       "the number of SMS messages sent to one number within 30 seconds exceeds the limit");
    case number_counts::reached::hour:
        return refused("LimitExceeded.PhoneNumberOneHourLimit",
                       "the number of SMS messages sent to one number within an hour exceeds the limit");
    case number_counts::reached::day:
        return refused("LimitExceeded.PhoneNumberDailyLimit",
                       "the number of SMS messages sent to one number in a day exceeds the limit");
    case number_counts::reached::none:
        break;
    }
    if (!take(account, s, text, out)) return refused("InternalError.OtherError", "other error");
    cloud.numbers.add(key, cloud.time.now());
    return out;
}

bool tencent_simulator::impl::take(const cloud_account& account, const send_sms& s, const std::string& text,
                                   send_status& status) {
    const auto now = cloud.time.now();
    const auto count = std::to_string(++counter);
    const auto serial_no = "5000:" + std::to_string(now.time_since_epoch().count()) +
                           std::string(count.size() < 9 ? 9 - count.size() : 0, '0') + count;
    message m;
    m.time_ms = now.time_since_epoch().count();
    m.channel = "sms";
    m.to = mainland_phone(status.phone).value();
    m.id = serial_no;
    m.more = {{"vendor", "tencent"},      {"gateway", account.name},
              {"sign_name", s.sign_name}, {"template", s.template_id},
              {"variables", s.variables}, {"session_context", s.session_context}};
    if (!text.empty()) m.more["text"] = text;
    if (!s.extension.empty()) m.more["extension"] = s.extension;
    if (!cloud.record(std::move(m))) return false;
    ++cloud.counters.accepted;
    status.serial_no = serial_no;
    const auto parts = gateways::billed_parts(text);
    status.fee = parts ? static_cast<std::int64_t>(*parts) : 1;
    return true;
}

void tencent_simulator::impl::report(const cloud_account& account, const send_status& status,
                                     const fault_rule& f) {
    const auto sent = std::make_shared<sent_message>(
        sent_message{mainland_phone(status.phone).value(), status.serial_no, status.session_context, {}});
    cloud.report(account, f, [this, name = account.name, sent, f](bool success) {
        return receipt(name, *sent, f, success);
    });
}

json tencent_simulator::impl::receipt(const std::string& account, sent_message& m, const fault_rule& f,
                                      bool success) {
    const auto now = cloud.time.now();
    const std::string errmsg = success               ? "DELIVRD"
                               : !f.err_code.empty() ? f.err_code
                               : f.stat != "DELIVRD" ? f.stat
                                                     : "UNDELIV";
    const std::string description = success ? "用户短信送达成功" : "短信发送失败";
    const std::string status = success ? "SUCCESS" : "FAIL";
    if (m.told != success) { // a push that comes twice is one status
        auto& waiting = to_pull[account];
        if (waiting.size() >= most_waiting) waiting.pop_front();
        waiting.push_back({{"UserReceiveTime", unix_seconds(now)},
                           {"CountryCode", "86"},
                           {"SubscriberNumber", m.phone},
                           {"PhoneNumber", "+86" + m.phone},
                           {"SerialNo", m.serial_no},
                           {"ReportStatus", status},
                           {"Description", success ? description : errmsg},
                           {"SessionContext", m.session_context}});
    }
    m.told = success;
    return {{"user_receive_time", shanghai_time(now)},
            {"nationcode", "86"},
            {"mobile", m.phone},
            {"report_status", status},
            {"errmsg", errmsg},
            {"description", description},
            {"sid", m.serial_no}};
}

// Each status is told once: what was pulled is gone.
io::http_response tencent_simulator::impl::pull(const cloud_account& account, const json& body) {
    if (auto f = read_app_id(body, account)) return error(std::move(*f));
    std::vector<failure> errors;
    const auto limit =
        json_reader(body, "", errors).integer("Limit", true, 0, static_cast<std::int64_t>(most_pulled));
    if (!limit) return error({"InvalidParameterValue", "Limit must be a whole number up to 100."});
    json set = json::array();
    auto& waiting = to_pull[account.name];
    while (!waiting.empty() && set.size() < static_cast<std::size_t>(*limit)) {
        set.push_back(std::move(waiting.front()));
        waiting.pop_front();
    }
    return reply({{"PullSmsSendStatusSet", set}});
}

tencent_simulator::tencent_simulator(asio::any_io_executor executor, const clock& time, cloud_options options,
                                     message_log& log, fault_table& faults)
    : impl_(std::make_shared<impl>(executor, time, std::move(options), log, faults)) {}
tencent_simulator::~tencent_simulator() = default;

bool tencent_simulator::meant(const io::http_request& r) {
    return r.headers.contains("x-tc-action");
}
asio::awaitable<io::http_response> tencent_simulator::serve(io::http_request r) {
    return impl::serve(impl_, std::move(r));
}
result<void> tencent_simulator::write_back(const inbound_message& m) {
    auto& c = impl_->cloud;
    return c.reply(m, {{"nationcode", "86"},
                       {"mobile", m.phone},
                       {"text", m.text},
                       {"extend", m.to},
                       {"time", unix_seconds(c.time.now())}});
}
asio::awaitable<void> tencent_simulator::run() {
    const auto self = impl_;
    co_await self->cloud.run();
}
void tencent_simulator::stop() {
    impl_->cloud.stop();
}
cloud_service& tencent_simulator::service() noexcept {
    return impl_->cloud;
}
cloud_stats tencent_simulator::stats() const {
    return impl_->cloud.stats();
}

} // namespace zhida::simulator
