// What WeChat and WeCom post: the published events, the forms they come in, and what nobody but an attacker
// posts.
#include "services/gateways/wechat_events.hpp"

#include "tests/support/json_files.hpp"

#include <gtest/gtest.h>

#include <set>

namespace zhida::gateways {
namespace {

const std::string head = "<ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName>"
                         "<CreateTime>1610969440</CreateTime>";

std::string published(std::size_t i) {
    return tests::read_json_file(tests::in_source("tests/data/wechat_vectors.json"))
        .at("wechat_events")
        .at(i)
        .at("xml")
        .get<std::string>();
}
std::string event_of(const std::string& name, const std::string& rest = "") {
    return "<xml>" + head + "<MsgType>event</MsgType><Event>" + name + "</Event>" + rest + "</xml>";
}
std::string text_of(const std::string& content) {
    return "<xml>" + head + "<MsgType>text</MsgType><Content>" + content +
           "</Content><MsgId>4561255354251345929</MsgId></xml>";
}
wechat_event read(const std::string& posted) {
    auto e = read_wechat_event(posted);
    if (!e) ADD_FAILURE() << e.error().text() << "\n" << posted.substr(0, 300);
    return e ? *e : wechat_event{};
}
failure fault(const std::string& posted) {
    const auto e = read_wechat_event(posted);
    if (e) {
        ADD_FAILURE() << "was read: " << posted.substr(0, 300);
        return {};
    }
    EXPECT_EQ(e.error().code, errc::invalid);
    EXPECT_FALSE(e.error().what.empty());
    return e.error();
}

TEST(wechat_events, the_published_ends_of_template_messages) {
    const auto e = read(published(0));
    EXPECT_EQ(e.to, "gh_7f083739789a");
    EXPECT_EQ(e.from, "oia2TjuEGTNoeX76QEjQNrcURxG8");
    EXPECT_EQ(e.at, wall_time(milliseconds(1'395'658'920'000)));
    EXPECT_EQ(e.type, "event");
    EXPECT_EQ(e.event, "templatesendjobfinish");
    EXPECT_EQ(e.msg_id, "200163836");
    EXPECT_EQ(e.status, "success");
    EXPECT_EQ(e.key + e.text, "");
    EXPECT_TRUE(e.entries.empty());
    EXPECT_EQ(read(published(1)).status, "failed:user block");
    EXPECT_EQ(read(published(2)).status, "failed:system failed");
    EXPECT_EQ(read(published(2)).msg_id, "200163840");
}

TEST(wechat_events, the_published_choices_about_subscription_notices) {
    const auto popup = read(published(3));
    EXPECT_EQ(popup.to, "gh_123456789abc");
    EXPECT_EQ(popup.from, "otFpruAK8D-E6EfStSYonYSBZ8_4");
    EXPECT_EQ(popup.at, wall_time(milliseconds(1'610'969'440'000)));
    EXPECT_EQ(popup.event, "subscribe_msg_popup_event");
    ASSERT_EQ(popup.entries.size(), 2U);
    EXPECT_EQ(popup.entries[0].template_id, "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc");
    EXPECT_EQ(popup.entries[0].status, "accept");
    EXPECT_EQ(popup.entries[1].template_id, "9nLIlbOQZC5Y89AZteFEux3WCXRRRG5Wfzkpssu4bLI");
    EXPECT_EQ(popup.entries[1].status, "reject");
    EXPECT_EQ(popup.entries[1].msg_id + popup.entries[1].error_status, "");

    const auto change = read(published(4));
    EXPECT_EQ(change.event, "subscribe_msg_change_event");
    ASSERT_EQ(change.entries.size(), 1U);
    EXPECT_EQ(change.entries[0].status, "reject");

    const auto sent = read(published(5));
    EXPECT_EQ(sent.event, "subscribe_msg_sent_event");
    ASSERT_EQ(sent.entries.size(), 1U);
    EXPECT_EQ(sent.entries[0].template_id, "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc");
    EXPECT_EQ(sent.entries[0].msg_id, "1700827132819554304");
    EXPECT_EQ(sent.entries[0].error_code, 0);
    EXPECT_EQ(sent.entries[0].error_status, "success");
    EXPECT_EQ(sent.entries[0].status, "success");
    EXPECT_EQ(sent.msg_id, "");
}

TEST(wechat_events, entries_wherever_they_stand) {
    const std::string entry =
        "<TemplateId>t1</TemplateId><SubscribeStatusString>ACCEPT</SubscribeStatusString>";
    for (const auto& rest : {"<List>" + entry + "</List>", entry,
                             "<SubscribeMsgPopupEvent>" + entry + "</SubscribeMsgPopupEvent>",
                             "<SubscribeMsgPopupEvent><List>" + entry + "</List></SubscribeMsgPopupEvent>"}) {
        const auto e = read(event_of("subscribe_msg_popup_event", rest));
        ASSERT_EQ(e.entries.size(), 1U) << rest;
        EXPECT_EQ(e.entries[0].template_id, "t1");
        EXPECT_EQ(e.entries[0].status, "accept");
    }
    EXPECT_TRUE(read(event_of("subscribe_msg_popup_event", "<List/>")).entries.empty());
    EXPECT_TRUE(read(event_of("subscribe", "<List>" + entry + "</List>")).entries.empty());
    std::string many;
    for (int i = 0; i < 100; ++i) many += "<List>" + entry + "</List>";
    EXPECT_EQ(read(event_of("subscribe_msg_popup_event", many)).entries.size(), 100U);
    EXPECT_EQ(fault(event_of("subscribe_msg_popup_event", many + "<List>" + entry + "</List>")).where,
              "/List");
}

TEST(wechat_events, a_notice_that_was_not_delivered) {
    const auto sent = [](const std::string& more) {
        return read(event_of("subscribe_msg_sent_event",
                             "<SubscribeMsgSentEvent><List><TemplateId>t</TemplateId>" + more +
                                 "</List></SubscribeMsgSentEvent>"))
            .entries.at(0);
    };
    const auto e = sent("<MsgID>1</MsgID><ErrorCode>43101</ErrorCode><ErrorStatus>user refuse</ErrorStatus>");
    EXPECT_EQ(e.error_code, 43101);
    EXPECT_EQ(e.error_status, "user refuse");
    EXPECT_EQ(e.status, "failed");
    // Nothing passes for sent that does not say so.
    EXPECT_EQ(sent("<ErrorCode>none</ErrorCode><ErrorStatus>x</ErrorStatus>").status, "failed");
    EXPECT_EQ(sent("<ErrorStatus>success</ErrorStatus>").status, "success");
    EXPECT_EQ(sent("").status, "failed");
}

TEST(wechat_events, followers_come_and_go) {
    const auto followed = read(event_of("subscribe", "<EventKey><![CDATA[qrscene_u123]]></EventKey>"
                                                     "<Ticket><![CDATA[gQ]]></Ticket>"));
    EXPECT_EQ(followed.event, "subscribe");
    EXPECT_EQ(followed.key, "u123");
    EXPECT_EQ(read(event_of("subscribe", "<EventKey></EventKey>")).key, "");
    const auto scanned = read(event_of("SCAN", "<EventKey>u123</EventKey>"));
    EXPECT_EQ(scanned.event, "scan");
    EXPECT_EQ(scanned.key, "u123");
    EXPECT_EQ(read(event_of("SCAN", "<EventKey>qrscene_1</EventKey>")).key, "qrscene_1"); // its own name
    EXPECT_EQ(read(event_of("unsubscribe")).event, "unsubscribe");
}

TEST(wechat_events, of_many_at_once) {
    const auto e = read(event_of(
        "MASSSENDJOBFINISH",
        "<MsgID>1000001625</MsgID><Status><![CDATA[err(30003)]]></Status><TotalCount>0</TotalCount>"
        "<CopyrightCheckResult><Count>2</Count><ResultList><item><ArticleIdx>1</ArticleIdx></item><item>"
        "<ArticleIdx>2</ArticleIdx></item></ResultList></CopyrightCheckResult>"));
    EXPECT_EQ(e.msg_id, "1000001625");
    EXPECT_EQ(e.status, "err(30003)");
}

TEST(wechat_events, texts) {
    const auto e = read(text_of("<![CDATA[ 退订 <b>&amp;]]>"));
    EXPECT_EQ(e.type, "text");
    EXPECT_EQ(e.text, " 退订 <b>&amp;"); // CDATA has no references
    EXPECT_EQ(e.msg_id, "4561255354251345929");
    EXPECT_EQ(read(text_of("a &lt;b&gt; &amp;amp; &quot;&apos;&#20013;&#x1F600;")).text,
              "a <b> &amp; \"'中😀");
    EXPECT_EQ(read(text_of("a<![CDATA[b]]>c<![CDATA[]]>&amp;")).text, "abc&");
    EXPECT_EQ(read(text_of("<![CDATA[a]]]]><![CDATA[>b]]>")).text, "a]]>b");
    EXPECT_EQ(read(text_of("")).text, "");
    EXPECT_EQ(read(text_of(std::string(4095, 'x') + "中")).text.size(), 4095U);
    EXPECT_EQ(read(text_of("a\xff\xc3z")).text, "a\xef\xbf\xbd\xef\xbf\xbdz");
}

TEST(wechat_events, of_wecom) {
    const auto e =
        read("<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName>\n<FromUserName><![CDATA["
             "mycreate]]></FromUserName>\n<CreateTime>1409659813</CreateTime>\n<MsgType><![CDATA["
             "text]]></MsgType>\n<Content><![CDATA[hello]]></Content>\n<MsgId>4561255354251345929"
             "</MsgId>\n<AgentID>218</AgentID>\n</xml>");
    EXPECT_EQ(e.from, "mycreate");
    EXPECT_EQ(e.text, "hello");
    EXPECT_EQ(read(event_of("enter_agent", "<EventKey></EventKey><AgentID>1</AgentID>")).event,
              "enter_agent");
    EXPECT_EQ(
        read(event_of("change_contact", "<ChangeType>update_user</ChangeType><UserID>z</UserID>")).event,
        "change_contact");
}

TEST(wechat_events, as_json) {
    const auto popup = read(
        R"({"ToUserName":"gh_1","FromUserName":"o1","CreateTime":1620973045,"MsgType":"event",
            "Event":"subscribe_msg_popup_event","List":[
            {"TemplateId":"t1","SubscribeStatusString":"accept","PopupScene":"0"},
            {"TemplateId":"t2","SubscribeStatusString":"reject","PopupScene":"0"}]})");
    EXPECT_EQ(popup.to, "gh_1");
    EXPECT_EQ(popup.from, "o1");
    EXPECT_EQ(popup.at, wall_time(milliseconds(1'620'973'045'000)));
    ASSERT_EQ(popup.entries.size(), 2U);
    EXPECT_EQ(popup.entries[1].template_id, "t2");
    EXPECT_EQ(popup.entries[1].status, "reject");
    const auto sent = read(
        R"({"ToUserName":"gh_1","FromUserName":"o1","CreateTime":"1620973045","MsgType":"event",
            "Event":"subscribe_msg_sent_event","List":{"TemplateId":"t1","MsgID":1700827132819554304,
            "ErrorCode":"43101","ErrorStatus":"no"}})");
    ASSERT_EQ(sent.entries.size(), 1U);
    EXPECT_EQ(sent.entries[0].msg_id, "1700827132819554304");
    EXPECT_EQ(sent.entries[0].error_code, 43101);
    EXPECT_EQ(sent.entries[0].status, "failed");
    for (const auto* body : {"{", "{}", R"({"FromUserName":["a"]})", R"({"a":1}x)",
                             R"({"FromUserName":"o","CreateTime":1.5,"MsgType":"event"})",
                             R"({"FromUserName":"o","CreateTime":-1,"MsgType":"event"})",
                             R"({"FromUserName":"o","CreateTime":1,"MsgType":{}})"})
        fault(body);
    fault("{\"a\":" + std::string(60'000, '['));
    EXPECT_EQ(read(R"({"FromUserName":"o","CreateTime":1,"MsgType":"text","Content":"\ud83d!"})").text,
              "\xef\xbf\xbd!");
}

TEST(wechat_events, what_every_event_has) {
    EXPECT_EQ(fault("<xml><CreateTime>1</CreateTime><MsgType>text</MsgType></xml>").where, "/FromUserName");
    EXPECT_EQ(fault("<xml><FromUserName>o</FromUserName><MsgType>text</MsgType></xml>").where, "/CreateTime");
    EXPECT_EQ(fault("<xml><FromUserName>o</FromUserName><CreateTime>1</CreateTime></xml>").where, "/MsgType");
    for (const auto* time : {"", "soon", "-1", "1e9", "4102444801", "99999999999999999999", "1 2", "0x1"})
        EXPECT_EQ(fault("<xml><FromUserName>o</FromUserName><CreateTime>" + std::string(time) +
                        "</CreateTime><MsgType>text</MsgType></xml>")
                      .where,
                  "/CreateTime");
    const auto from = [](std::size_t n) {
        return "<xml><FromUserName>" + std::string(n, 'o') +
               "</FromUserName><CreateTime> 1 </CreateTime><MsgType> Text\n</MsgType></xml>";
    };
    EXPECT_EQ(read(from(128)).from.size(), 128U);
    EXPECT_EQ(read(from(128)).type, "text");
    EXPECT_EQ(fault(from(129)).where, "/FromUserName");
}

TEST(wechat_events, dtds_and_entities) {
    std::string bomb = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\">";
    for (char c = 'a'; c < 'j'; ++c)
        bomb += std::string("<!ENTITY ") + c + " \"&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;\">";
    EXPECT_EQ(fault(bomb + "]>" + text_of("&j;")).what, "a DTD");
    EXPECT_EQ(fault("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" + text_of("&e;")).what,
              "a DTD");
    EXPECT_EQ(fault("<!DOCTYPE xml SYSTEM \"http://example.com/x.dtd\">" + text_of("a")).what, "a DTD");
    EXPECT_EQ(fault("<!DOCTYPE xml>" + text_of("a")).what, "a DTD");
    for (const auto* reference :
         {"&e;", "&", "& ", "&;", "&amp", "&AMP;", "&#;", "&#x;", "&#0;", "&#x0;", "&#xD800;", "&#x110000;",
          "&#99999999999;", "&#-1;", "&# 1;", "&#X41;", "&#1;", "&nbsp;", "&lt;&e;"})
        EXPECT_NE(fault(text_of(reference)).what.find("entity"), std::string::npos) << reference;
    EXPECT_NE(fault("<xml a=\"&e;\">" + text_of("a").substr(5)).what.find("entity"), std::string::npos);
    fault(text_of("<!DOCTYPE a>"));
    fault(text_of("<!ENTITY a \"b\">"));
    fault(text_of("<!-- a -->"));
    fault(text_of("<?php a ?>"));
    EXPECT_EQ(read("\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + text_of("a")).text, "a");
}

TEST(wechat_events, what_is_no_xml) {
    for (const auto& posted :
         {std::string(), std::string(" "), std::string("<"), std::string("hello"), std::string("<xml>"),
          std::string("<xml></lmx>"), std::string("<a>") + head + "</a>", std::string("<xml/><xml/>"),
          std::string("<?xml version=\"1.0\"?>"), std::string("[]"), std::string("\0\0", 2)})
        fault(posted);
    fault(text_of(std::string("a\0b", 3)));
    // As UTF-16 nothing of it is read.
    std::string wide = "\xff\xfe";
    for (const char c : text_of("a")) wide.append({c, '\0'});
    fault(wide);
    const auto whole = published(3);
    for (std::size_t n = 0; n < whole.size(); ++n) fault(whole.substr(0, n));
}

TEST(wechat_events, deep_and_large) {
    std::string deep, back;
    for (int i = 0; i < 14; ++i) deep += "<a>", back += "</a>";
    EXPECT_EQ(read(event_of("x", deep + back)).event, "x");
    EXPECT_NE(fault(event_of("x", "<a><a>" + deep + back + "</a></a>")).what.find("deeper"),
              std::string::npos);
    std::string abyss, up;
    for (int i = 0; i < 8000; ++i) abyss += "<a>", up += "</a>";
    fault(event_of("x", abyss + up));
    fault(event_of("x", abyss + abyss));
    std::string wide;
    for (int i = 0; i < 16'000; ++i) wide += "<a/>";
    EXPECT_EQ(read(event_of("x", wide)).event, "x");
    EXPECT_NE(fault(text_of(std::string(most_event_bytes, 'x'))).what.find("more than"), std::string::npos);
    EXPECT_EQ(
        read(event_of(std::string(70, 'E'), "<EventKey>" + std::string(200, 'k') + "</EventKey>")).key.size(),
        128U);
}

TEST(wechat_events, the_envelope) {
    const auto e = read_encrypted_event("<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName>clear"
                                        "</FromUserName><Encrypt><![CDATA[abc+/=]]></Encrypt></xml>");
    ASSERT_TRUE(e.has_value());
    EXPECT_EQ(e->to, "gh_1");
    EXPECT_EQ(e->encrypted, "abc+/=");
    const auto j = read_encrypted_event(R"({"ToUserName":"gh_1","Encrypt":"abc+/="})");
    ASSERT_TRUE(j.has_value());
    EXPECT_EQ(j->to, "gh_1");
    EXPECT_EQ(j->encrypted, "abc+/=");
    EXPECT_EQ(read_encrypted_event("<xml><Encrypt></Encrypt></xml>").error().where, "/Encrypt");
    EXPECT_EQ(read_encrypted_event(R"({"Encrypt":{}})").error().where, "/Encrypt");
    EXPECT_TRUE(read_encrypted_event("<!DOCTYPE a><xml><Encrypt>a</Encrypt></xml>").has_error());
    EXPECT_TRUE(
        read_encrypted_event("<xml><Encrypt>" + std::string(most_envelope_bytes, 'a') + "</Encrypt></xml>")
            .has_error());
}

TEST(wechat_events, answers) {
    const auto at = wall_time(milliseconds(1'610'969'440'999));
    EXPECT_EQ(text_answer("o1", "gh_1", at, "您好"),
              "<xml><ToUserName><![CDATA[o1]]></ToUserName><FromUserName><![CDATA[gh_1]]></FromUserName>"
              "<CreateTime>1610969440</CreateTime><MsgType><![CDATA[text]]></MsgType>"
              "<Content><![CDATA[您好]]></Content></xml>");
    // Whatever the text, it stays a text and the document one.
    for (const auto* words : {"a]]>b", "]]>", "]]]]>>", "]]>]]>", "<![CDATA[", "</Content>&amp;", "😀\n行"})
        EXPECT_EQ(read(text_answer("o1", "gh_1", at, words)).text, words);
    EXPECT_EQ(read(text_answer("o1", "gh_1", at, "a\x01\x1f\xffz")).text, "a\xef\xbf\xbdz");
    EXPECT_EQ(read(text_answer("o1", "gh_1", at, std::string(2047, 'x') + "中")).text.size(), 2047U);
    const auto sealed = read_encrypted_event(encrypted_answer("RypE+/=", "5c45", "1409659813", "n"));
    ASSERT_TRUE(sealed.has_value());
    EXPECT_EQ(sealed->encrypted, "RypE+/=");
}

TEST(wechat_events, told_again_or_another) {
    std::set<std::string> keys;
    // The published samples: two have the same MsgID, sender and time.
    for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(repetition_key(read(published(i))), repetition_key(read(published(i))));
        keys.insert(repetition_key(read(published(i))));
    }
    EXPECT_EQ(keys.size(), 6U);
    const auto key = [](const std::string& posted) { return repetition_key(read(posted)); };
    // MsgID alone collides.
    EXPECT_NE(key(event_of("a", "<MsgID>1</MsgID>")), key(event_of("b", "<MsgID>1</MsgID>")));
    EXPECT_NE(key(event_of("a", "<MsgID>1</MsgID>")), key(event_of("a", "<MsgID>2</MsgID>")));
    EXPECT_NE(key(event_of("scan", "<EventKey>1</EventKey>")),
              key(event_of("scan", "<EventKey>2</EventKey>")));
    EXPECT_NE(key(event_of("scan", "<EventKey>1</EventKey>")), key(event_of("scan1")));
    const std::string first = "<List><TemplateId>t1</TemplateId></List>";
    EXPECT_NE(key(event_of("subscribe_msg_popup_event", first)),
              key(event_of("subscribe_msg_popup_event", first + first)));
    // What somebody wrote, by its id; the same words without one only at the same second.
    EXPECT_EQ(key(text_of("a")), key(text_of("a")));
    auto e = read(text_of("a"));
    auto other = e;
    other.msg_id = "1";
    EXPECT_NE(repetition_key(e), repetition_key(other));
    e.msg_id = other.msg_id = "";
    EXPECT_EQ(repetition_key(e), repetition_key(other));
    other.at += milliseconds(1000);
    EXPECT_NE(repetition_key(e), repetition_key(other));
    other = e;
    other.text = "b";
    EXPECT_NE(repetition_key(e), repetition_key(other));
    EXPECT_EQ(repetition_key(e).find("o1"), std::string::npos);
}

} // namespace
} // namespace zhida::gateways
