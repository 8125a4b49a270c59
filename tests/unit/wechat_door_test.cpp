// Who may post as WeChat or WeCom: the vendor's samples, every change to them, and what each is answered.
#include "services/gateways/wechat_door.hpp"

#include "common/base/crypto.hpp"
#include "tests/support/json_files.hpp"

#include <gtest/gtest.h>

namespace zhida::gateways {
namespace {

const std::string token = "QDG6eK", key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
const std::string id = "wx5823bf96d3bd56c7", nonce = "1372623149", random16 = "aaaabbbbccccdddd";
const wall_time now{milliseconds(1'409'659'813'000)};
const std::string now_text = "1409659813";
const std::string clear_event =
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>"
    "1409659813</CreateTime><MsgType>event</MsgType><Event>subscribe</Event></xml>";

wechat_door door(const std::string& name = "wechat") {
    return wechat_door::of(name, token, key, id).value();
}
wechat_door clear_door() {
    return wechat_door::of("wechat", token, "", "").value();
}
json vector(std::size_t i) {
    return tests::read_json_file(tests::in_source("tests/data/wechat_vectors.json"))
        .at("wechat_crypto")
        .at(i);
}
std::string text(const json& v, const char* name) {
    return v.at(name).get<std::string>();
}
wall_time time_of(const json& v) {
    return wall_time(std::chrono::seconds(std::stoll(text(v, "timestamp"))));
}

wechat_query clear_query(const std::string& at = now_text, const std::string& echo = "") {
    wechat_query q;
    q.timestamp = at;
    q.nonce = nonce;
    q.signature = callback_signature({token, q.timestamp, q.nonce});
    q.echostr = echo;
    return q;
}
wechat_query sealed_query(const std::string& encrypted, const std::string& at = now_text) {
    auto q = clear_query(at);
    q.encrypt_type = "aes";
    q.msg_signature = callback_signature({token, q.timestamp, q.nonce, encrypted});
    return q;
}
std::string seal(const std::string& plain, const std::string& receiver = id) {
    return callback_cipher::of(key, receiver)->seal(plain, random16);
}
std::string envelope(const std::string& encrypted) {
    return "<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[" + encrypted + "]]></Encrypt></xml>";
}
template <class T>
failure refusal(const result<T>& r) {
    if (r) {
        ADD_FAILURE() << "was taken";
        return {};
    }
    EXPECT_EQ(r.error().code, errc::refused) << r.error().text();
    EXPECT_FALSE(r.error().what.empty());
    EXPECT_EQ(r.error().text().find(token), std::string::npos);
    EXPECT_EQ(r.error().text().find(key), std::string::npos);
    return r.error();
}

TEST(wechat_door, settings) {
    const auto where = [](const char* name, const std::string& t, const std::string& k,
                          const std::string& i) {
        const auto d = wechat_door::of(name, t, k, i);
        EXPECT_TRUE(d.has_error());
        return d ? "" : d.error().where;
    };
    EXPECT_EQ(where("wechat", "", key, id), "wechat.callback_token");
    EXPECT_EQ(where("miniprogram", token, key.substr(1), id), "miniprogram.callback_aes_key");
    EXPECT_EQ(where("wechat", token, key, ""), "wechat.appid");
    EXPECT_EQ(where("wecom", token, key, ""), "wecom.corpid");
    EXPECT_TRUE(door().encrypts());
    EXPECT_FALSE(clear_door().encrypts());
}

TEST(wechat_door, the_published_check_of_an_address) {
    const auto v = vector(0);
    wechat_query q;
    q.msg_signature = text(v, "msg_signature");
    q.timestamp = text(v, "timestamp");
    q.nonce = text(v, "nonce");
    q.echostr = text(v, "echostr");
    EXPECT_EQ(door("wecom").verify(q, time_of(v)).value(), text(v, "plaintext"));
    EXPECT_EQ(refusal(clear_door().verify(q, time_of(v))).where, "wechat.callback_aes_key");
    EXPECT_EQ(refusal(wechat_door::of("wecom", "other", key, id)->verify(q, time_of(v))).where,
              "wecom.callback_token");
    EXPECT_EQ(refusal(wechat_door::of("wecom", token, key, "other")->verify(q, time_of(v))).where,
              "wecom.callback_aes_key");
    q.echostr.replace(0, 1, "Q");
    refusal(door("wecom").verify(q, time_of(v)));
}

TEST(wechat_door, the_check_of_an_address_in_clear) {
    // Accounts are checked in clear, also those of the safe mode.
    for (const auto& d : {door(), clear_door()}) {
        EXPECT_EQ(d.verify(clear_query(now_text, "5927782489442352469"), now).value(), "5927782489442352469");
        auto q = clear_query(now_text, "1");
        q.nonce += "1";
        refusal(d.verify(q, now));
        q = clear_query(now_text, "1");
        q.signature.clear();
        refusal(d.verify(q, now));
        refusal(d.verify({}, now));
        // Nothing that a browser could take for a page.
        for (const std::string echo : {"", "<script>", "a b", "中", "a\nb", "\"", "&"})
            refusal(d.verify(clear_query(now_text, echo), now));
        refusal(d.verify(clear_query(now_text, std::string(1025, 'x')), now));
    }
}

TEST(wechat_door, the_published_message) {
    const auto v = vector(1);
    wechat_query q;
    q.msg_signature = text(v, "msg_signature");
    q.timestamp = text(v, "timestamp");
    q.nonce = text(v, "nonce");
    const auto e = door("wecom").open(q, envelope(text(v, "encrypt")), time_of(v));
    ASSERT_TRUE(e.has_value());
    EXPECT_EQ(e->from, "mycreate");
    EXPECT_EQ(e->text, "hello");
    EXPECT_EQ(e->msg_id, "4561255354251345929");
}

TEST(wechat_door, any_change_is_refused) {
    const auto encrypted = seal(clear_event);
    const auto q = sealed_query(encrypted);
    const auto body = envelope(encrypted);
    ASSERT_TRUE(door().open(q, body, now).has_value());
    for (std::size_t at = 0; at < encrypted.size(); ++at)
        for (const char other : {'A', '+', '=', '\n', '<', '\0', '\xff'}) {
            if (encrypted[at] == other) continue;
            auto changed = encrypted;
            changed[at] = other;
            refusal(door().open(q, envelope(changed), now));
        }
    for (std::size_t n = 0; n < body.size(); ++n) refusal(door().open(q, body.substr(0, n), now));
    for (const auto part : {&wechat_query::msg_signature, &wechat_query::timestamp, &wechat_query::nonce})
        for (std::size_t at = 0; at < (q.*part).size(); ++at) {
            auto changed = q;
            (changed.*part)[at] = (changed.*part)[at] == '0' ? '1' : '0';
            refusal(door().open(changed, body, now));
            changed.*part = (q.*part).substr(0, at);
            refusal(door().open(changed, body, now));
        }
    // The plain signature says nothing about the body, and does not stand in.
    auto bare = q;
    bare.msg_signature = bare.signature;
    refusal(door().open(bare, body, now));
}

TEST(wechat_door, an_event_in_clear) {
    const auto e = clear_door().open(clear_query(), clear_event, now);
    ASSERT_TRUE(e.has_value());
    EXPECT_EQ(e->event, "subscribe");
    // Whoever has a key does not take it.
    EXPECT_EQ(refusal(door().open(clear_query(), clear_event, now)).where, "wechat.callback_aes_key");
    auto q = clear_query();
    q.msg_signature = q.signature;
    refusal(door().open(q, clear_event, now));
    auto wrong = clear_query();
    wrong.signature.back() = wrong.signature.back() == '0' ? '1' : '0';
    refusal(clear_door().open(wrong, clear_event, now));
    refusal(clear_door().open({}, clear_event, now));
    EXPECT_EQ(clear_door().open(clear_query(), "<!DOCTYPE a>" + clear_event, now).error().code,
              errc::invalid);
}

TEST(wechat_door, both_in_clear_and_encrypted) {
    const auto encrypted = seal(clear_event);
    const auto mixed = "<xml><ToUserName>gh_1</ToUserName><FromUserName>forged</FromUserName><CreateTime>1"
                       "</CreateTime><MsgType>text</MsgType><Encrypt>" +
                       encrypted + "</Encrypt></xml>";
    EXPECT_EQ(door().open(sealed_query(encrypted), mixed, now)->from, "o1");
    EXPECT_EQ(clear_door().open(sealed_query(encrypted), mixed, now)->from, "forged"); // it has no key to see
    // Encrypted alone, without a key here.
    const auto e = clear_door().open(sealed_query(encrypted), envelope(encrypted), now);
    ASSERT_TRUE(e.has_error());
    EXPECT_EQ(e.error().where, "wechat.callback_aes_key");
}

TEST(wechat_door, as_json) {
    const std::string event = R"({"ToUserName":"gh_1","FromUserName":"o1","CreateTime":1,"MsgType":"event",)"
                              R"("Event":"subscribe_msg_change_event","List":[{"TemplateId":"t",)"
                              R"("SubscribeStatusString":"reject"}]})";
    const auto encrypted = seal(event);
    const auto e =
        door("miniprogram")
            .open(sealed_query(encrypted), R"({"ToUserName":"gh_1","Encrypt":")" + encrypted + "\"}", now);
    ASSERT_TRUE(e.has_value());
    EXPECT_EQ(e->entries.at(0).status, "reject");
    EXPECT_TRUE(clear_door().open(clear_query(), event, now).has_value());
}

TEST(wechat_door, another_receiver_and_what_is_no_event) {
    const auto for_another = seal(clear_event, "wx0000000000000000");
    EXPECT_EQ(refusal(door().open(sealed_query(for_another), envelope(for_another), now)).where,
              "wechat.callback_aes_key");
    // From the platform, and yet not readable: not the poster's fault.
    const auto odd = seal("<xml><MsgType>video</MsgType></xml>");
    EXPECT_EQ(door().open(sealed_query(odd), envelope(odd), now).error().code, errc::invalid);
}

TEST(wechat_door, old_and_early_times) {
    const auto encrypted = seal(clear_event);
    for (const int away : {-300, -1, 0, 299, 300}) {
        const auto at = now + std::chrono::seconds(away);
        EXPECT_TRUE(door().open(sealed_query(encrypted), envelope(encrypted), at).has_value()) << away;
        EXPECT_TRUE(clear_door().verify(clear_query(now_text, "1"), at).has_value()) << away;
    }
    for (const int away : {-301, 301, 86'400, -86'400}) {
        const auto at = now + std::chrono::seconds(away);
        EXPECT_NE(refusal(door().open(sealed_query(encrypted), envelope(encrypted), at)).text().find("clock"),
                  std::string::npos);
        refusal(clear_door().open(clear_query(), clear_event, at));
        refusal(clear_door().verify(clear_query(now_text, "1"), at));
    }
    for (const std::string at : {"", "now", "-1", " 1409659813", "1409659813 ", "0x54", "99999999999",
                                 "9223372036854775807", "14096598130000000000"})
        refusal(clear_door().open(clear_query(at), clear_event, now));
}

TEST(wechat_door, answers) {
    const auto random = random16 + std::string("\x01\x02\x03\x04\x05\x06\x07\xff");
    wechat_event e;
    e.to = "gh_1", e.from = "o1";
    EXPECT_EQ(clear_door().answer(e, "您好", now, random), text_answer("o1", "gh_1", now, "您好"));

    const auto sealed = door().answer(e, "您好", now, random);
    const auto encrypted = read_encrypted_event(sealed)->encrypted;
    EXPECT_EQ(encrypted, seal(text_answer("o1", "gh_1", now, "您好")));
    EXPECT_NE(sealed.find("<TimeStamp>1409659813</TimeStamp><Nonce><![CDATA[01020304050607ff]]></Nonce>"),
              std::string::npos);
    const auto signature = callback_signature({token, now_text, "01020304050607ff", encrypted});
    EXPECT_NE(sealed.find("<MsgSignature><![CDATA[" + signature + "]]></MsgSignature>"), std::string::npos);
    // What we answer opens as what we are posted.
    wechat_query q;
    q.timestamp = now_text, q.nonce = "01020304050607ff", q.msg_signature = signature;
    EXPECT_EQ(door().open(q, sealed, now)->text, "您好");
    EXPECT_NE(door().answer(e, "您好", now), door().answer(e, "您好", now));
    EXPECT_THROW(door().answer(e, "a", now, random16), std::invalid_argument);
}

} // namespace
} // namespace zhida::gateways
