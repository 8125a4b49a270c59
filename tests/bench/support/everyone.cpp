#include "tests/bench/support/everyone.hpp"

namespace zhida::bench {

namespace {

// True of everybody, whether the attribute is known or not.
json any(const char* attribute) {
    const json missing = {{"op", "isNull"}, {"args", json::array({{{"property", attribute}}})}};
    return {{"op", "or"},
            {"args", json::array({missing, {{"op", "not"}, {"args", json::array({missing})}}})}};
}

json item(const char* id, const std::string& title, const char* subject, json eligibility) {
    return {{"id", id},           {"title", title},
            {"subject", subject}, {"eligibility", std::move(eligibility)},
            {"benefit", "补贴"},  {"mode", "申请享受"}};
}

json policy_of(const std::string& id, const char* title, json items) {
    return {{"schema", "zhida.policy/1"}, {"id", id},      {"version", 1},       {"title", title},
            {"issuer", "合成数据"},       {"level", "区"}, {"region", "310113"}, {"disclosure", "主动公开"},
            {"items", std::move(items)}};
}

} // namespace

json policy_for_everyone(const std::string& id) {
    return policy_of(id, "给所有主体的政策",
                     json::array({item("1", "企业事项", "enterprise", any("ent.headcount")),
                                  item("2", "居民事项", "resident", any("person.birth_date"))}));
}

json policy_for_few(const std::string& id, int headcount) {
    const json exactly = {{"op", "="}, {"args", json::array({{{"property", "ent.headcount"}}, headcount})}};
    return policy_of(id, "给少数企业的政策",
                     json::array({item("1", "企业事项 " + id, "enterprise", exactly)}));
}

} // namespace zhida::bench
