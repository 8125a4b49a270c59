// What a subject wants to receive, and numbers that refuse messages.
#include "services/portal/api.hpp"
#include "services/portal/check_words.hpp"
#include "services/portal/problems.hpp"
#include "services/portal/subject_acts.hpp"

#include <algorithm>

namespace zhida::portal {

namespace {

io::http_response preferences_invalid(const std::vector<failure>& errors) {
    json body = {{"type", "/problems/preferences-invalid"},
                 {"title", "Preferences invalid"},
                 {"status", 422},
                 {"detail", "接收设置有 " + std::to_string(errors.size()) + " 处错误，全部列在 errors 中"}};
    body["errors"] = errors_document(errors);
    for (auto& e : body["errors"])
        for (const char* said : {"what", "fix"}) e[said] = check_words_zh(e[said].get<std::string>());
    auto out = json_answer(body, 422);
    out.content_type = "application/problem+json; charset=utf-8";
    return out;
}

// As profiles have it: eleven digits, with or without the country's code. Empty where it is none.
std::string mainland_number(std::string_view text) {
    for (const std::string_view code : {"+86", "86"})
        if (text.size() == code.size() + 11 && text.starts_with(code)) text.remove_prefix(code.size());
    const bool right = text.size() == 11 && text[0] == '1' &&
                       std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    return right ? std::string(text) : "";
}

asio::awaitable<io::http_response> put_number(context& c, identity by, std::string given, consent_kind kind) {
    const auto phone = mainland_number(given);
    if (phone.empty())
        co_return of_failure({errc::invalid, "不是手机号码", "phone", "写 11 位数字，如 13800000000"});
    const auto done = co_await record_consent(c, by, kind, c.numbers.of(phone));
    if (!done) co_return of_failure(done.error());
    co_return json_answer({{"opted_out", kind == consent_kind::number_out}});
}

} // namespace

asio::awaitable<io::http_response> api_get_preferences(context& c, visitor v, io::http_request r) {
    const auto subject = co_await visible_subject(c, v.who, r.params.at("id"));
    if (!subject) co_return of_failure(subject.error());
    const auto found = co_await c.consents.preferences_of(subject->shard, subject->subject.id);
    co_return found ? json_answer(to_document(*found)) : of_failure(found.error());
}

asio::awaitable<io::http_response> api_put_preferences(context& c, visitor v, io::http_request r) {
    const auto subject = co_await visible_subject(c, v.who, r.params.at("id"));
    if (!subject) co_return of_failure(subject.error());
    const auto document = parse_json(r.body, {64 << 10, 8});
    if (!document)
        co_return preferences_invalid({{errc::invalid, document.error().what, "", document.error().fix}});
    std::vector<failure> errors;
    const auto chosen = read_preferences(*document, "", errors);
    if (!chosen) co_return preferences_invalid(errors);
    const auto done =
        co_await record_consent(c, v.who, consent_kind::preferences, subject->subject.id, *chosen);
    if (!done) co_return of_failure(done.error());
    // What stands now: an opt-out stays whatever they say of all messages.
    const auto stands = co_await c.consents.preferences_of(subject->shard, subject->subject.id);
    co_return stands ? json_answer(to_document(*stands)) : of_failure(stands.error());
}

asio::awaitable<io::http_response> api_number_out(context& c, visitor v, io::http_request r) {
    co_return co_await put_number(c, v.who, r.params.at("phone"), consent_kind::number_out);
}

asio::awaitable<io::http_response> api_number_in(context& c, visitor v, io::http_request r) {
    co_return co_await put_number(c, v.who, r.params.at("phone"), consent_kind::number_in);
}

} // namespace zhida::portal
