// Previews against judge(), row by row, with everybody who would get nothing; and what is said of them.
#include "services/matcher/preview.hpp"
#include "services/portal/audience_preview.hpp"
#include "services/portal/check_words.hpp"
#include "services/portal/preview_document.hpp"
#include "services/portal/views.hpp"

#include "random_conditions.hpp"
#include "rows_support.hpp"

namespace zhida::matcher {
namespace {

using matching::verdict;

bool bit(const std::string& bits, std::uint32_t ordinal) {
    return ordinal / 8 < bits.size() &&
           (static_cast<unsigned char>(bits[ordinal / 8]) >> (7 - ordinal % 8) & 1) != 0;
}

std::string random_bits(std::size_t ordinals) {
    std::string out;
    for (std::size_t i = 0; i < *rc::gen::inRange<std::size_t>(0, ordinals / 8 + 2); ++i)
        out.push_back(static_cast<char>(*rc::gen::arbitrary<std::uint8_t>()));
    return out;
}

struct invented {
    tests::plain_shard plain;
    shard_rows rows{tests::layouts()};
    shard_exclusions excluded;
    excluded_bits bits;
};

invented random_shard() {
    invented out;
    const auto count = *rc::gen::inRange<std::uint32_t>(0, 60);
    for (std::uint32_t ordinal = 0; ordinal < count; ++ordinal) {
        auto row = tests::random_row();
        out.rows.put(ordinal, row.type, row.values, row.reachable);
        out.plain[ordinal] = row;
    }
    out.bits = {random_bits(count), random_bits(count), random_bits(count), random_bits(count),
                random_bits(count)};
    out.excluded.put(out.bits, out.rows, {});
    return out;
}

// What a preview must say, looking at one subject after another.
void count_plainly(const invented& shard, const matching::condition& c, push_reach reach, preview_part& to) {
    for (const auto& [ordinal, row] : shard.plain) {
        if (row.type != c.subject()) continue;
        const auto j = judge(c, row.values, matching::today);
        to.found.all.eligible += j.outcome == verdict::eligible;
        to.found.all.possible += j.outcome == verdict::possible;
        to.found.all.decided += j.only_manual_open;
        to.found.all.one_short += j.one_short;
        if (!(j.outcome == verdict::eligible || (reach == push_reach::decided && j.only_manual_open) ||
              (reach == push_reach::possible && j.outcome == verdict::possible)))
            continue;
        const auto& b = shard.bits;
        if (bit(b.untargeted, ordinal)) continue;
        ++to.audience;
        for (auto& via : to.channels) {
            const bool sms = via.via == channel::sms;
            const auto way = sms ? reachable_by::phone : reachable_by::openid;
            if (via.via == channel::web)
                ++via.reachable;
            else if (bit(b.opted_out, ordinal))
                ++via.opted_out;
            else if ((row.reachable & way) == 0)
                ++via.no_contact;
            else if (!sms && bit(b.no_grant, ordinal))
                ++via.no_grant;
            else if (bit(sms ? b.capped_sms : b.capped_wechat, ordinal))
                ++via.capped;
            else
                ++via.reachable;
        }
    }
}

RC_GTEST_PROP(preview, counts_as_one_looks_at_one_subject_after_another, ()) {
    std::vector<failure> errors;
    const auto c = matching::condition::compile(matching::random_tree(3), subject_type::enterprise,
                                                tests::catalogue(), errors)
                       .value();
    const auto reach = *rc::gen::element(push_reach::eligible, push_reach::decided, push_reach::possible);
    const std::vector<channel> all{channel::web, channel::sms, channel::wechat};
    const matching::scan_plan plan(c, tests::layouts().enterprise, matching::today);
    matching::scan_space space;
    preview_tally tally(plan, reach, all, 2);
    preview_part plain;
    for (const auto via : all) plain.channels.push_back({via});
    for (int shard = 0; shard < 2; ++shard) {
        const auto made = random_shard();
        tally.add(shard, made.rows, made.excluded, space);
        count_plainly(made, c, reach, plain);
    }
    const auto part = tally.result();
    RC_ASSERT(part.found.all == plain.found.all);
    RC_ASSERT(part.audience == plain.audience);
    RC_ASSERT(part.channels == plain.channels);
    RC_ASSERT(part.sample.size() <= 4U && (part.sample.empty() == (part.audience == 0)));
    for (const auto& via : part.channels)
        RC_ASSERT(via.reachable + via.opted_out + via.no_contact + via.no_grant + via.capped ==
                  part.audience);
    // And what is told of it on the wire is the same.
    auto told = part;
    told.shards = {{1, 5, 7, 1'780'000'000'000, 3, 250}};
    const auto read = read_preview_part(parse_json(to_text(to_document(told))).value());
    RC_ASSERT(read.has_value());
    RC_ASSERT(read->found == told.found && read->shards == told.shards && read->sample == told.sample);
    RC_ASSERT(read->audience == told.audience);
}

TEST(preview, a_shard_laid_out_again_excludes_the_same_subjects) {
    shard_rows one(tests::layouts()), other(tests::layouts());
    one.put(0, subject_type::resident, {}, 0);
    one.put(1, subject_type::resident, {}, 0);
    other.put(1, subject_type::resident, {}, 0);
    other.put(0, subject_type::resident, {}, 0);
    shard_exclusions excluded;
    EXPECT_FALSE(excluded.read_at());
    excluded.put({std::string("\x40"), "", "", ""}, one, steady_time(milliseconds(5)));
    EXPECT_EQ(excluded.read_at(), steady_time(milliseconds(5)));
    EXPECT_EQ(excluded.of(subject_type::resident).opted_out, std::vector<std::uint64_t>{2});
    excluded.lay_out(other);
    EXPECT_EQ(excluded.of(subject_type::resident).opted_out, std::vector<std::uint64_t>{1});
    EXPECT_TRUE(excluded.of(subject_type::enterprise).opted_out.empty());
}

TEST(preview, a_question_comes_back_from_the_wire_as_it_was) {
    preview_question q;
    q.subject = subject_type::resident;
    q.condition = {{"op", "isNull"}, {"args", json::array({{{"property", "person.birth_date"}}})}};
    q.reach = push_reach::possible;
    q.channels = {channel::sms};
    q.shards = {0, 3};
    std::vector<failure> errors;
    EXPECT_EQ(read_preview_question(to_document(q), errors), q);
    auto wrong = to_document(q);
    wrong["shards"] = {"x", 5000};
    wrong["reach"] = "all";
    EXPECT_FALSE(read_preview_question(wrong, errors));
    EXPECT_EQ(errors.size(), 3U);
    EXPECT_FALSE(read_preview_part(json::array()));
    EXPECT_FALSE(read_preview_part({{"audience", -1}}));
}

} // namespace
} // namespace zhida::matcher

namespace zhida::portal {
namespace {

preview_outcome found_some() {
    preview_outcome out;
    out.sum.audience = 7;
    out.sum.found.all = {7, 3, 0, 2};
    out.sum.found.towns = {{"310113003", {3, 0, 0, 0}}, {"310113101", {4, 3, 0, 2}}, {"", {0, 0, 0, 0}}};
    out.sum.found.missing = {{"person.birth_date", 3}};
    out.sum.channels = {{channel::web, 7}, {channel::sms, 4, 1, 1, 0, 1}};
    out.sum.shards = {{0, 10, 2, 1'780'000'000'000, 4, 300}, {1, 11, 2, 1'780'000'000'005, 0, 900}};
    return out;
}

json with_title(json told) {
    told["title"] = "某事项";
    return told;
}

TEST(preview_document, tells_counts_reasons_and_how_fresh_they_are) {
    preview_question q;
    auto found = found_some();
    const auto now = wall_time(milliseconds(1'780'000'000'010));
    profile p;
    p.id = "91310113HCG34RNH0J";
    p.name = "合成·某某科技有限公司";
    p.contacts = {{"法人", "16400000001", ""}};
    const auto told = preview_document(q, found, {p}, {true, true, true}, now, matcher::tests::catalogue());
    EXPECT_EQ(told.at("audience"), 7);
    EXPECT_EQ(told.at("complete"), true);
    EXPECT_TRUE(told.at("note").is_null());
    EXPECT_EQ(told.at("breakdown").at("towns")[0].at("code"), "310113101");
    EXPECT_EQ(told.at("breakdown").at("towns")[0].at("eligible"), 4);
    EXPECT_EQ(told.at("channels")[1].at("excluded").at("capped"), 1);
    EXPECT_EQ(told.at("fresh").at("age_ms"), 10);
    EXPECT_EQ(told.at("fresh").at("profiles_behind"), 4);
    EXPECT_EQ(told.at("fresh").at("optouts_age_ms"), 900);
    EXPECT_EQ(told.at("sample")[0].at("name"), "合成·某****");
    const auto text = to_text(told);
    for (const char* secret : {"16400000001", "91310113HCG34RNH0J", "科技"})
        EXPECT_EQ(text.find(secret), std::string::npos) << secret;

    found.missing = {3};
    found.reasons = {"部分分片暂时没有匹配服务负责"};
    const auto partly = preview_document(q, found, {}, {true, false, true}, now, matcher::tests::catalogue());
    EXPECT_EQ(partly.at("complete"), false);
    found.sum.audience = 0;
    const auto none = preview_document(q, found, {}, {true, false, true}, now, matcher::tests::catalogue());
    EXPECT_EQ(preview_view(json::array({with_title(none)}), language::zh)[0].at("nobody"), false)
        << "not nobody: not known";
    EXPECT_EQ(partly.at("missing_shards"), json::array({3}));
    EXPECT_NE(partly.at("note").get<std::string>().find("不完整"), std::string::npos);
    EXPECT_EQ(partly.at("channels")[1].at("reachable"), 0) << "the channel is switched off";
    EXPECT_EQ(partly.at("channels")[1].at("excluded").at("channel_disabled"), 4);
}

TEST(preview_document, hides_small_numbers_of_residents) {
    preview_question q;
    q.subject = subject_type::resident;
    auto found = found_some();
    found.sum.audience = 18;
    found.sum.found.all = {13, 6, 0, 7};
    found.sum.found.towns["310113101"] = {9, 3, 0, 2};
    found.sum.channels = {{channel::web, 18}, {channel::sms, 8, 1, 3, 0, 6}};
    profile p;
    p.id = "R00000000000000053";
    p.type = subject_type::resident;
    p.name = "张三丰";
    const auto now = wall_time(milliseconds(1'780'000'000'010));
    const auto told = preview_document(q, found, {p}, {true, true, true}, now, matcher::tests::catalogue());
    const auto& towns = told.at("breakdown").at("towns");
    EXPECT_EQ(towns[0].at("eligible"), 10);
    EXPECT_EQ(towns[1].at("eligible"), "<5");
    EXPECT_EQ(towns[2].at("eligible"), 0);
    EXPECT_EQ(told.at("missing_data")[0].at("possible"), "<5");
    EXPECT_FALSE(told.at("breakdown").contains("sections"));
    EXPECT_EQ(told.at("rounded_to"), 5);
    EXPECT_EQ(told.at("audience"), 20);
    EXPECT_EQ(told.at("verdicts").at("eligible"), 15);
    EXPECT_EQ(told.at("channels")[0].at("reachable"), 20);
    EXPECT_EQ(told.at("channels")[1].at("excluded").at("no_contact"), "<5");
    EXPECT_TRUE(told.at("sample").empty()) << "no resident is named";
    const auto view = preview_view(json::array({with_title(told)}), language::zh)[0];
    EXPECT_NE(view.at("rounded").get<std::string>().find("居民人数按5取整"), std::string::npos);
}

TEST(preview_document, breaks_nothing_down_where_any_total_of_residents_is_small) {
    preview_question q;
    q.subject = subject_type::resident;
    auto enough = found_some();
    enough.sum.audience = 18;
    enough.sum.found.all = {13, 6, 0, 7};
    const auto of = [&](const preview_outcome& found) {
        return preview_document(q, found, {}, {true, true, true}, wall_time(milliseconds(1'780'000'000'010)),
                                matcher::tests::catalogue());
    };
    EXPECT_FALSE(of(enough).at("channels").empty());
    auto small_audience = enough, small_verdict = enough;
    small_audience.sum.audience = 4;
    small_verdict.sum.found.all.one_short = 1;
    EXPECT_EQ(of(small_audience).at("audience"), "<5");
    EXPECT_EQ(of(small_verdict).at("verdicts").at("one_short"), "<5");
    for (const auto& told : {of(small_audience), of(small_verdict)}) {
        EXPECT_TRUE(told.at("channels").empty());
        EXPECT_TRUE(told.at("breakdown").at("towns").empty());
        EXPECT_TRUE(told.at("missing_data").empty());
        const auto view = preview_view(json::array({with_title(told)}), language::zh)[0];
        EXPECT_EQ(view.at("has_channels"), false);
        EXPECT_EQ(view.at("nobody"), false);
    }
}

TEST(preview_document, what_is_not_sent_reaches_nobody_and_says_why) {
    policy p;
    policy_item open, over;
    over.window.end = 100;
    p.disclosure = "主动公开";
    EXPECT_EQ(not_sent(p, open, 101), nullptr);
    EXPECT_EQ(not_sent(p, over, 100), nullptr);
    EXPECT_STREQ(not_sent(p, over, 101), "closed");
    p.disclosure = "依申请公开";
    EXPECT_STREQ(not_sent(p, open, 101), "not_public");
    for (const auto& [why, zh] :
         {std::pair("closed", "已截止，不会推送"), std::pair("not_public", "不是主动公开，只保存不推送")}) {
        preview_outcome none;
        none.not_sent = why;
        const auto told =
            preview_document({}, none, {}, {true, true, true}, wall_time(milliseconds(1'780'000'000'010)),
                             matcher::tests::catalogue());
        EXPECT_EQ(told.at("audience"), 0);
        EXPECT_EQ(told.at("not_sent"), why);
        EXPECT_EQ(told.at("note"), zh);
        const auto view = preview_view(json::array({with_title(told)}), language::zh)[0];
        EXPECT_EQ(view.at("nobody"), zh);
        EXPECT_EQ(view.at("counted"), false);
    }
}

TEST(preview_request, every_error_has_its_pointer) {
    const json bad = {{"subject", "enterprise"},
                      {"reach", "everybody"},
                      {"channels", {"web", "fax"}},
                      {"more", 1},
                      {"condition",
                       {{"op", "and"},
                        {"args",
                         {{{"op", "<="}, {"args", {{{"property", "ent.headcont"}}, 5}}},
                          {{"op", "="}, {"args", {{{"property", "ent.size"}}, "巨型"}}}}}}}};
    std::vector<failure> errors;
    EXPECT_FALSE(read_audience_request(bad, matcher::tests::catalogue(), errors));
    std::set<std::string> where;
    for (const auto& e : errors) where.insert(e.where);
    EXPECT_TRUE(where.contains("/reach"));
    EXPECT_TRUE(where.contains("/channels/1"));
    EXPECT_TRUE(where.contains("/more"));
    EXPECT_TRUE(std::any_of(where.begin(), where.end(),
                            [](const std::string& w) { return w.starts_with("/condition/args/0"); }));
    EXPECT_TRUE(std::any_of(where.begin(), where.end(),
                            [](const std::string& w) { return w.starts_with("/condition/args/1"); }));
    EXPECT_FALSE(read_audience_request({{"subject", "people"}}, matcher::tests::catalogue(), errors));
    for (const auto& e : errors)
        for (const auto& said : {e.what, e.fix})
            if (!said.empty()) {
                EXPECT_NE(check_words_zh(said), said) << e.where << " has no Chinese: " << said;
            }
    json deep = {{"op", "isNull"}, {"args", json::array({{{"property", "ent.size"}}})}};
    for (int i = 0; i < 20; ++i) deep = {{"op", "not"}, {"args", json::array({deep})}};
    errors.clear();
    EXPECT_FALSE(read_audience_request({{"subject", "enterprise"}, {"condition", deep}},
                                       matcher::tests::catalogue(), errors));
    EXPECT_FALSE(errors.empty());
}

} // namespace
} // namespace zhida::portal
