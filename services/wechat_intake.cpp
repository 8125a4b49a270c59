#include "services/wechat_intake.hpp"

#include "common/base/log.hpp"
#include "common/base/murmur2.hpp"
#include "common/model/wechat_address.hpp"
#include "common/store/keys.hpp"
#include "services/gateways/inbound_text.hpp"
#include "services/gateways/wechat_codes.hpp"

#include <algorithm>
#include <utility>

namespace zhida {

namespace {

constexpr const char* event_known_for = "86400"; // seconds; the platform gives up within one minute

constexpr const char* bound_words = "绑定成功。政策礼包和办事提醒今后发到这里。不想再收到，请回复“退订”。";
constexpr const char* used_words = "这个二维码已被他人使用，请在网页上重新生成。";
constexpr const char* expired_words = "这个二维码已过期，请在网页上重新生成。";
constexpr const char* full_words = "该主体绑定的微信已满，请先在网页上解绑。";
constexpr const char* stopped_words = "已退订，今后不再向您推送。想恢复接收，请回复“恢复”。";
constexpr const char* welcome_words = "已恢复推送。";

wechat_account account_named(const std::string& name) {
    for (const auto a : {wechat_account::miniprogram, wechat_account::wecom})
        if (name == to_string(a)) return a;
    return wechat_account::official;
}

bool asks_to_go_on(std::string_view text) {
    const auto words = gateways::folded(text);
    return words == U"恢复" || words == U"订阅" || words == U"恢复订阅";
}

// What follows a colon, as "failed:user block" and "failed: system failed" have it.
gateways::receipt receipt_of(const std::string& account, std::string id, std::string status, wall_time at) {
    gateways::receipt r;
    r.gateway = account;
    r.message_id = std::move(id);
    r.means =
        status == "success" ? gateways::receipt::meaning::delivered : gateways::receipt::meaning::failed;
    if (status.find("block") != std::string::npos) r.recipient_fault = "refused";
    r.status = std::move(status);
    r.at = at;
    r.pushed = true;
    return r;
}

} // namespace

std::vector<gateways::receipt> receipts_in(const gateways::wechat_event& e, const std::string& account) {
    std::vector<gateways::receipt> all;
    if (e.event == "templatesendjobfinish" && !e.msg_id.empty())
        all.push_back(receipt_of(account, e.msg_id, e.status, e.at));
    if (e.event == "subscribe_msg_sent_event")
        for (const auto& entry : e.entries) {
            if (entry.msg_id.empty()) continue;
            const bool taken = entry.error_code == 0;
            auto r = receipt_of(account, entry.msg_id,
                                taken ? "success" : "failed:" + std::to_string(entry.error_code), e.at);
            if (!taken) r.recipient_fault = gateways::wechat_reaction_to(entry.error_code).recipient_fault;
            all.push_back(std::move(r));
        }
    return all;
}

namespace {

// All that it says is that messages arrived.
bool only_good_news(const gateways::wechat_event& e, const std::string& account) {
    const auto receipts = receipts_in(e, account);
    return !receipts.empty() && std::all_of(receipts.begin(), receipts.end(), [](const auto& r) {
        return r.means == gateways::receipt::meaning::delivered;
    });
}

} // namespace

struct wechat_intake::hearing {
    std::string account;
    gateways::wechat_event event;
    receipt_intake* receipts;
    std::string repetition;      // the same of the same event
    std::string address, digest; // of who it is from

    std::int64_t at_ms() const { return event.at.time_since_epoch().count(); }
    consent_change of_address(consent_kind kind, std::string template_id = "") const {
        consent_change c;
        c.kind = kind;
        c.who = digest;
        c.at_ms = at_ms();
        c.template_id = std::move(template_id);
        return c;
    }
};

wechat_intake::wechat_intake(io::redis& redis, io::event_log& log, store::consents& consents,
                             const crypto::sealer& sealer, const clock& time, const config& settings)
    : redis_(redis), time_(time), settings_(settings), sealer_(sealer),
      shards_(static_cast<int>(settings.node.shards)), changes_(log, consents, time, shards_),
      digests_(sealer), addresses_(redis, sealer, shards_), scenes_(sealer) {}

asio::awaitable<result<std::string>> wechat_intake::accept(std::string account, gateways::wechat_event event,
                                                           receipt_intake& receipts) {
    const auto repetition = crypto::sha1_hex(account + "\n" + gateways::repetition_key(event));
    const auto key = store::keys::wechat_event(repetition);
    // What arrived comes as often as messages do, and to hear it twice changes nothing.
    const bool once = !only_good_news(event, account);
    if (once) {
        auto known = co_await redis_.command({"GET", key});
        // Where Redis does not answer the log still may: who leaves now must not be sent to later.
        if (known && !known->is_nil()) co_return known->text; // the answer that did not arrive
    }
    hearing h{account, std::move(event), &receipts, repetition, "", ""};
    h.address = to_text(wechat_address{account_named(account), h.event.from});
    h.digest = digests_.of(h.address);
    auto said = co_await take(std::move(h));
    if (!said || !once) co_return said;
    // After it is done, so that one which failed is taken when it is told again.
    auto kept = co_await redis_.command({"SET", key, *said, "EX", event_known_for});
    if (!kept) log::warn("an event may be taken twice", {{"why", kept.error().text()}});
    co_return said;
}

asio::awaitable<result<std::string>> wechat_intake::take(hearing h) {
    const auto& e = h.event;
    std::string answer;
    if (e.type == "text") co_return co_await take_text(h);
    if (e.type != "event") co_return answer;
    result<void> done;
    if (e.event == "templatesendjobfinish" || e.event == "subscribe_msg_sent_event") {
        done = co_await take_receipts(h);
    } else if (e.event == "subscribe_msg_popup_event" || e.event == "subscribe_msg_change_event") {
        done = co_await take_grants(h);
    } else if (e.event == "unsubscribe") {
        done = co_await record(h.of_address(consent_kind::address_out));
    } else if (e.event == "subscribe") {
        done = co_await opened(h, h.of_address(consent_kind::address_in));
        if (done && wechat_scenes::ours(e.key)) co_return co_await bind(h);
    } else if (e.event == "scan" && wechat_scenes::ours(e.key)) { // others are another program's
        co_return co_await bind(h);
    }
    if (!done) co_return done.error();
    co_return answer;
}

asio::awaitable<result<void>> wechat_intake::take_receipts(const hearing& h) {
    auto receipts = receipts_in(h.event, h.account);
    if (receipts.empty()) co_return result<void>{};
    const auto& of = h.account == "miniprogram" ? settings_.miniprogram : settings_.wechat;
    bool refused = false, left = false;
    if (h.event.entries.empty()) // of a template message it is not said which; who blocks one blocks all
        refused = receipts.front().recipient_fault == "refused";
    for (const auto& entry : h.event.entries) {
        if (entry.template_id != of.template_id || entry.error_code == 0) continue; // another program's
        const std::string fault = gateways::wechat_reaction_to(entry.error_code).recipient_fault;
        refused = refused || fault == "refused";
        left = left || fault == "not_following";
    }
    if (!co_await h.receipts->accept(std::move(receipts)))
        co_return failure{errc::unavailable, "a receipt is not kept", h.account, ""};
    if (refused) co_return co_await record(h.of_address(consent_kind::denied, of.template_id));
    if (left) co_return co_await record(h.of_address(consent_kind::address_out));
    co_return result<void>{};
}

asio::awaitable<result<void>> wechat_intake::take_grants(const hearing& h) {
    const auto& of = h.account == "miniprogram" ? settings_.miniprogram : settings_.wechat;
    int which = 0;
    for (const auto& entry : h.event.entries) {
        ++which;
        if (entry.template_id != of.template_id) continue; // another program's
        const bool granted = entry.status == "accept";
        if (!granted && entry.status != "reject") continue; // not their choice
        // Who declines once more keeps what was granted before.
        if (!granted && !of.long_term && h.event.event == "subscribe_msg_popup_event") continue;
        auto change = h.of_address(granted ? consent_kind::granted : consent_kind::denied, entry.template_id);
        change.once = granted && !of.long_term;
        if (change.once) change.grant = h.repetition.substr(0, 24) + "." + std::to_string(which);
        if (granted) // whoever takes messages again is welcome, whatever was said before
            if (auto in = co_await record(h.of_address(consent_kind::address_in)); !in) co_return in.error();
        const auto done =
            granted ? co_await opened(h, std::move(change)) : co_await record(std::move(change));
        if (!done) co_return done.error();
    }
    co_return result<void>{};
}

asio::awaitable<result<std::string>> wechat_intake::take_text(const hearing& h) {
    const bool stop = gateways::asks_to_stop(h.event.text);
    if (!stop && !asks_to_go_on(h.event.text)) co_return std::string();
    const auto done = stop ? co_await record(h.of_address(consent_kind::address_out))
                           : co_await opened(h, h.of_address(consent_kind::address_in));
    if (!done) co_return done.error();
    co_return std::string(stop ? stopped_words : welcome_words);
}

asio::awaitable<result<std::string>> wechat_intake::bind(const hearing& h) {
    const auto scene = scenes_.read(h.event.key, time_.now());
    if (!scene) {
        log::warn("wechat_scene_refused", {{"why", scene.error().text()}});
        co_return std::string(scene.error().code == errc::timeout ? expired_words : "");
    }
    // A code that was passed on binds one person.
    const auto key = store::keys::wechat_scene(crypto::sha1_hex(h.event.key));
    const auto lives = std::chrono::duration_cast<std::chrono::seconds>(scene_lives * 2).count();
    auto first = co_await redis_.command({"SET", key, h.digest, "NX", "EX", std::to_string(lives)});
    if (!first) co_return first.error();
    if (first->is_nil()) {
        auto who = co_await redis_.command({"GET", key});
        if (!who) co_return who.error();
        if (who->text != h.digest) co_return std::string(used_words);
    }
    if (auto done = co_await opened(h, h.of_address(consent_kind::address_in)); !done) co_return done.error();
    const auto shard = shard_of(scene->subject_id, shards_);
    auto bound = co_await addresses_.bound_of(shard, {scene->subject_id});
    if (!bound) co_return bound.error();
    if (const auto of = bound->find(scene->subject_id);
        of != bound->end() && of->second.contacts.size() >= max_contacts &&
        std::none_of(of->second.contacts.begin(), of->second.contacts.end(),
                     [&](const contact& k) { return k.openid == h.address; }))
        co_return std::string(full_words);
    consent_change change;
    change.kind = consent_kind::bind;
    change.who = scene->subject_id;
    change.address = h.digest;
    change.sealed = seal_contacts({contact{scene->role, "", h.address}}, sealer_, scene->subject_id);
    change.at_ms = h.at_ms();
    if (auto done = co_await record(std::move(change)); !done) co_return done.error();
    consent_change again;
    again.kind = consent_kind::regrant;
    again.who = scene->subject_id;
    again.at_ms = h.at_ms();
    if (auto done = co_await record(std::move(again)); !done) co_return done.error();
    co_return std::string(bound_words);
}

// What closed subjects because of this address does so no more.
asio::awaitable<result<void>> wechat_intake::opened(const hearing& h, consent_change change) {
    if (auto done = co_await record(std::move(change)); !done) co_return done.error();
    auto subjects = co_await addresses_.refusing(h.digest);
    if (!subjects) co_return subjects.error();
    for (auto& id : *subjects) {
        consent_change again;
        again.kind = consent_kind::regrant;
        again.who = std::move(id);
        again.at_ms = h.at_ms();
        if (auto done = co_await record(std::move(again)); !done) co_return done.error();
    }
    co_return result<void>{};
}

asio::awaitable<result<void>> wechat_intake::record(consent_change change) {
    co_return co_await changes_.record(std::move(change));
}

} // namespace zhida
