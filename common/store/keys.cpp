#include "common/store/keys.hpp"

#include "common/base/murmur2.hpp"

namespace zhida::store::keys {

namespace {

std::string of_campaign(int shard, std::string_view campaign, std::string_view rest) {
    return tag(shard) + ":c:" + std::string(campaign) + ":" + std::string(rest);
}

std::string of_gateway(std::string_view gateway, std::string_view kind, std::string_view id) {
    return "{gw." + std::string(gateway) + "}:" + std::string(kind) + ":" + std::string(id);
}

} // namespace

std::string tag(int shard) {
    return std::string("{s") + (shard < 10 ? "0" : "") + std::to_string(shard) + "}";
}

int profile_bucket(std::string_view subject_id) noexcept {
    return static_cast<int>(murmur2(subject_id) >> 16 & 0xff);
}
std::string hex_of_bucket(int bucket) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto n = static_cast<std::size_t>(bucket);
    return {digits[n >> 4 & 15], digits[n & 15]};
}
std::string profiles(int shard, int bucket) {
    return profile_prefix(shard) + hex_of_bucket(bucket);
}
std::string profiles(int shard, std::string_view subject_id) {
    return profiles(shard, profile_bucket(subject_id));
}
std::string profile_prefix(int shard) {
    return tag(shard) + ":p:";
}
std::string ids(int shard) {
    return tag(shard) + ":ids";
}
std::string reserved(int shard) {
    return tag(shard) + ":reserved";
}
std::string shard_state(int shard) {
    return tag(shard) + ":state";
}
std::string opted_out(int shard) {
    return tag(shard) + ":optout";
}
std::string opted_out_bits(int shard) {
    return tag(shard) + ":outbits";
}
std::string no_grant(int shard) {
    return tag(shard) + ":no_grant";
}
std::string no_grant_bits(int shard) {
    return tag(shard) + ":no_grant_bits";
}
std::string preferences(int shard) {
    return tag(shard) + ":preferences";
}
std::string stopped_campaigns(int shard) {
    return tag(shard) + ":stopped";
}
std::string due(int shard) {
    return tag(shard) + ":due";
}
std::string untargeted_bits(int shard) {
    return tag(shard) + ":untargeted_bits";
}
std::string bound(int shard) {
    return tag(shard) + ":bound";
}
std::string bindings(int shard, std::string_view subject_id) {
    return tag(shard) + ":bindings:" + std::string(subject_id);
}
std::string wechat_addresses(int shard) {
    return tag(shard) + ":wechat";
}
std::string wechat_refusing(int shard, std::string_view digest) {
    return tag(shard) + ":wechat_refusing:" + std::string(digest);
}
std::string number_marks(int shard) {
    return tag(shard) + ":number_marks";
}
std::string member_rate(int shard, std::string_view digest) {
    return tag(shard) + ":member_rate:" + std::string(digest);
}
std::string refused_numbers(int shard) {
    return tag(shard) + ":refused_numbers";
}
std::string sent_counts(int shard, channel c) {
    return tag(shard) + ":sent:" + to_string(c);
}
std::string campaigns_of(int shard) {
    return tag(shard) + ":campaigns";
}
std::string campaign_prefix(int shard) {
    return tag(shard) + ":c:";
}
std::string audience(int shard, std::string_view campaign) {
    return of_campaign(shard, campaign, "audience");
}
std::string ledger(int shard, std::string_view campaign, channel c) {
    return of_campaign(shard, campaign, std::string("ledger:") + to_string(c));
}
std::string counters(int shard, std::string_view campaign, channel c) {
    return of_campaign(shard, campaign, std::string("count:") + to_string(c));
}
std::string parts(int shard, std::string_view campaign, channel c, std::uint32_t position) {
    return of_campaign(shard, campaign,
                       std::string("parts:") + to_string(c) + ":" + std::to_string(position));
}
std::string verdicts(int shard, std::string_view campaign) {
    return of_campaign(shard, campaign, "verdicts");
}

std::string policy(std::string_view id) {
    return "policy:" + std::string(id);
}
std::string policy_version(std::string_view id, int version) {
    return policy(id) + ":v" + std::to_string(version);
}
std::string campaigns_place() {
    return "campaigns:place";
}
std::string policies() {
    return "policies";
}
std::string campaign(std::string_view id) {
    return "campaign:" + std::string(id);
}
std::string contact_key_check() {
    return "contact_key_check";
}
std::string layout() {
    return "layout";
}
std::string campaigns() {
    return "campaigns";
}
std::string open_campaigns() {
    return "campaigns:open";
}
std::string scheduler_lease() {
    return "scheduler:lease";
}
std::string reminder_days() {
    return "reminder_days";
}
std::string gateway_states(std::string_view name) {
    return "gateway_states:" + std::string(name);
}
std::string messages(std::string_view gateway, std::string_view id) {
    return of_gateway(gateway, "m", id.substr(0, id.empty() ? 0 : id.size() - 1));
}
std::string field_of_message(std::string_view id) {
    return std::string(id.empty() ? id : id.substr(id.size() - 1));
}
std::string any_orphan(std::string_view gateway) {
    return of_gateway(gateway, "any", "orphan");
}
std::string orphan(std::string_view gateway, std::string_view id) {
    return of_gateway(gateway, "o", id);
}
std::string wechat_token(std::string_view appid) {
    return "wechat:token:" + std::string(appid);
}
std::string wechat_token_lease(std::string_view appid) {
    return "wechat:token_lease:" + std::string(appid);
}
std::string wechat_calls(std::string_view appid, std::int32_t day) {
    return "wechat:calls:" + std::string(appid) + ":" + std::to_string(day);
}
std::string wechat_event(std::string_view digest) {
    return "wechat:event:" + std::string(digest);
}
std::string wechat_codes(std::string_view subject_id) {
    return "wechat:codes:" + std::string(subject_id);
}
std::string wechat_scene(std::string_view scene) {
    return "wechat:scene:" + std::string(scene);
}
std::string news_told(std::string_view what) {
    return "news:" + std::string(what);
}
std::string feedback(std::string_view department) {
    return "{feedback}:of:" + std::string(department);
}
std::string feedback_departments() {
    return "{feedback}:departments";
}
std::string feedback_last() {
    return "{feedback}:last";
}
std::string feedback_seen(std::string_view digest) {
    return "{feedback}:seen:" + std::string(digest);
}
std::string acknowledged(std::string_view digest) {
    return "{acknowledge}:told:" + std::string(digest);
}
std::string acknowledgements() {
    return "{acknowledge}:waiting";
}
std::string tests_of_day(std::string_view subject, std::int32_t day) {
    return "tests:" + std::to_string(day) + ":" + std::string(subject);
}

std::string idempotency(std::string_view digest) {
    return "idempotency:" + std::string(digest);
}
std::string matchers() {
    return "matchers";
}
std::string matcher(std::string_view instance) {
    return "matcher:" + std::string(instance);
}

} // namespace zhida::store::keys
