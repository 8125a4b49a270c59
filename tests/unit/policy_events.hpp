// Policy events as zhida.policy holds them, for the tests of what the matcher does with them.
#pragma once

#include "common/model/cloud_event.hpp"
#include "services/matcher/policy_log.hpp"

namespace zhida::matcher::tests {

struct test_item {
    std::string id;
    subject_type subject = subject_type::enterprise;
    json eligibility;
    json window = json(); // null: none
};

inline json policy_document(const std::string& id, int version, const std::vector<test_item>& items) {
    json out = {{"schema", "zhida.policy/1"},
                {"id", id},
                {"version", version},
                {"title", "政策" + id},
                {"issuer", "宝山区经济委员会"},
                {"level", "区"},
                {"region", "310113"},
                {"disclosure", "主动公开"},
                {"push", {{"channels", {"web"}}, {"reach", "eligible"}}},
                {"items", json::array()}};
    for (const auto& i : items) {
        out["items"].push_back({{"id", i.id},
                                {"title", "事项" + i.id},
                                {"subject", to_string(i.subject)},
                                {"eligibility", i.eligibility},
                                {"benefit", "补贴"},
                                {"mode", "申请享受"}});
        if (!i.window.is_null()) out["items"].back()["window"] = i.window;
    }
    return out;
}

inline io::log_record policy_record(const json& document, std::int64_t offset) {
    cloud_event e;
    e.id = "e" + std::to_string(offset);
    e.source = "/test";
    e.type = event_type::policy_published;
    e.time = "2026-11-23T00:00:00Z";
    e.data = document;
    auto encoded = encode_event(e);
    io::log_record r;
    r.topic = "zhida.policy";
    r.offset = offset;
    r.timestamp_ms = 1'780'000'000'000;
    r.value = encoded.value;
    r.headers = encoded.headers;
    return r;
}

} // namespace zhida::matcher::tests
