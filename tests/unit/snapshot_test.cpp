#include "common/base/crc32c.hpp"
#include "common/base/crypto.hpp"
#include "services/matcher/shard_compaction.hpp"
#include "services/matcher/snapshot.hpp"
#include "tests/unit/rows_support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <fstream>

namespace zhida::matcher {
namespace {

using namespace matcher::tests;

constexpr const char* lineage = "0123456789abcdef";

const std::string& print() {
    static const auto made = fingerprint(layouts());
    return made;
}

std::string sealed(const shard_rows& rows, int shard = 7, const char* of = lineage) {
    auto image = encode_snapshot(rows, {shard, of, 4711}, print());
    seal_snapshot(image);
    return image;
}

result<snapshot> decoded(std::string_view bytes) {
    return decode_snapshot(bytes, layouts(), print(), 7, lineage);
}

plain_shard fill(shard_rows& rows, std::uint32_t count) {
    plain_shard plain;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto ordinal = *rc::gen::inRange<std::uint32_t>(0, count);
        const auto row = random_row();
        rows.put(ordinal, row.type, row.values, row.reachable);
        plain[ordinal] = row;
    }
    return plain;
}

shard_rows few() {
    shard_rows rows(layouts());
    attribute_row values;
    values.set(catalogue().find("ent.headcount")->number, 35);
    rows.put(0, subject_type::enterprise, values, reachable_by::phone);
    values.set(63, 1);
    rows.put(1, subject_type::enterprise, values, 0);
    rows.put(2, subject_type::resident, {}, reachable_by::openid);
    return rows;
}

TEST(crc32c, known_answers) { // RFC 3720 B.4
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
    EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
    EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
    EXPECT_EQ(crc32c("56789", crc32c("1234")), 0xe3069283U);
    EXPECT_EQ(crc32c(""), 0U);
}

RC_GTEST_PROP(snapshot, gives_back_every_row, ()) {
    shard_rows rows(layouts());
    auto plain = fill(rows, *rc::gen::inRange<std::uint32_t>(0, 200));
    auto back = decoded(sealed(rows));
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->applied_offset == 4711);
    RC_ASSERT(back->rows.strays() == rows.strays());
    expect_equal(back->rows, plain);
    // It goes on like the one that was saved.
    const auto row = random_row();
    for (const std::uint32_t ordinal : {std::uint32_t{0}, std::uint32_t{250}}) {
        back->rows.put(ordinal, row.type, row.values, row.reachable);
        plain[ordinal] = row;
    }
    expect_equal(back->rows, plain);
}

TEST(snapshot, blocks_are_measured_again) {
    shard_rows rows(layouts());
    const auto* a = catalogue().find("ent.headcount");
    attribute_row values;
    for (std::uint32_t i = 0; i < matching::columns::block_rows + 10; ++i) {
        values.set(a->number, 100 + i % 7);
        rows.put(i, subject_type::enterprise, i % 3 == 0 ? attribute_row{} : values, 0);
    }
    const auto back = decoded(sealed(rows)).value();
    const auto& c = layouts().enterprise->at(a->number);
    const auto check = [&](const auto& before, const auto& after) {
        ASSERT_GE(before.blocks.size(), 2U);
        for (std::size_t b = 0; b < 2; ++b) {
            EXPECT_EQ(after.blocks[b].low, before.blocks[b].low);
            EXPECT_EQ(after.blocks[b].high, before.blocks[b].high);
            EXPECT_EQ(after.blocks[b].missing, before.blocks[b].missing);
        }
    };
    const auto &before = rows.of(subject_type::enterprise), &after = back.rows.of(subject_type::enterprise);
    using form = matching::column_layout::form;
    if (c.as == form::half)
        check(before.half(c.place), after.half(c.place));
    else
        check(before.wide(c.place), after.wide(c.place));
}

TEST(snapshot, every_damaged_byte_is_noticed) {
    const auto good = sealed(few());
    ASSERT_TRUE(decoded(good).has_value());
    for (std::size_t i = 0; i < good.size(); ++i)
        for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
            auto damaged = good;
            damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ flip);
            EXPECT_FALSE(decoded(damaged).has_value()) << i;
        }
    for (std::size_t n = 0; n < good.size(); ++n)
        EXPECT_FALSE(decoded(std::string_view(good).substr(0, n)).has_value()) << n;
    EXPECT_FALSE(decoded(good + '\0').has_value());
}

TEST(snapshot, says_why_it_is_not_this_one) {
    const auto why = [](const result<snapshot>& r) { return r ? "" : r.error().what; };
    const auto rows = few();
    const auto has = [&](const result<snapshot>& r, const char* word) {
        EXPECT_NE(why(r).find(word), std::string::npos) << why(r);
    };
    has(decoded(sealed(rows, 8)), "shard 8");
    has(decoded(sealed(rows, 7, "fedcba9876543210")), "another life");
    has(decode_snapshot(sealed(rows), layouts(), std::string(32, '0'), 7, lineage), "another catalogue");
    auto other = sealed(rows);
    other[8] = 9;
    has(decoded(other), "version 9");
    has(decoded("ZHIDAROW"), "cut off");
    has(decoded(std::string(200, 'x')), "not a snapshot");
}

TEST(snapshot, fingerprint_knows_the_layout) {
    EXPECT_EQ(print().size(), 32U);
    EXPECT_EQ(print(), fingerprint(row_layouts(catalogue())));
    EXPECT_NE(layouts().enterprise->fingerprint(), layouts().resident->fingerprint());
}

TEST(snapshot, lying_lengths_reserve_nothing) {
    auto image = encode_snapshot(few(), {7, lineage, 1}, print());
    const std::uint64_t many = (std::uint64_t{1} << 31) - 1;
    const auto rows_at = 8 + 4 + 4 + 32 + 16 + 8 + 8;
    std::memcpy(image.data() + rows_at, &many, sizeof many);
    seal_snapshot(image);
    EXPECT_FALSE(decoded(image).has_value());
}

TEST(snapshot, is_a_file_that_is_whole_or_not_there) {
    const auto folder =
        std::filesystem::temp_directory_path() / ("zhida-snapshot-" + crypto::hex(crypto::random_bytes(6)));
    std::filesystem::create_directories(folder);
    const auto file = (folder / "s07.rows").string();
    EXPECT_EQ(read_snapshot(file, layouts(), print(), 7, lineage).error().code, errc::not_found);
    const auto rows = few();
    ASSERT_TRUE(write_snapshot(file, encode_snapshot(rows, {7, lineage, 5}, print())).has_value());
    ASSERT_TRUE(write_snapshot(file, encode_snapshot(rows, {7, lineage, 6}, print())).has_value());
    EXPECT_EQ(read_snapshot(file, layouts(), print(), 7, lineage).value().applied_offset, 6);
    EXPECT_FALSE(std::filesystem::exists(file + ".tmp"));
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    const auto cut = read_snapshot(file, layouts(), print(), 7, lineage);
    ASSERT_FALSE(cut.has_value());
    EXPECT_EQ(cut.error().code, errc::invalid);
    EXPECT_EQ(cut.error().where, file);
    EXPECT_EQ(write_snapshot((folder / "no" / "file").string(), "x").error().code, errc::not_found);
    std::filesystem::remove_all(folder);
}

RC_GTEST_PROP(shard_compaction, keeps_every_row_whatever_comes_in_between, ()) {
    shard_rows rows(layouts());
    auto plain = fill(rows, *rc::gen::inRange<std::uint32_t>(0, 150));
    std::vector<std::uint32_t> changed;
    shard_compaction work(layouts(), rows);
    for (int turns = *rc::gen::inRange(0, 12); turns > 0; --turns) {
        for (int puts = *rc::gen::inRange(0, 10); puts > 0; --puts) {
            const auto ordinal = *rc::gen::inRange<std::uint32_t>(0, 200);
            const auto row = random_row();
            rows.put(ordinal, row.type, row.values, row.reachable);
            plain[ordinal] = row;
            work.changed(ordinal);
        }
        (void)work.step(*rc::gen::inRange<std::size_t>(0, 40));
    }
    const auto made = work.finish();
    expect_equal(made, plain);
    expect_equal(rows, plain);
}

TEST(shard_compaction, lays_out_by_region_and_leaves_no_holes) {
    shard_rows rows(layouts());
    const auto* region = catalogue().find("ent.reg_division");
    const auto& divisions = catalogue().divisions().entries();
    for (std::uint32_t i = 0; i < 300; ++i) {
        attribute_row values;
        values.set(region->number, std::stoll(divisions[(i * 37) % divisions.size()].code));
        rows.put(i, subject_type::enterprise, values, 0);
        if (i % 10 == 0) rows.put(i, subject_type::resident, {}, 0);
    }
    EXPECT_GT(rows.disorder(), 0.9);
    shard_compaction work(layouts(), rows);
    EXPECT_FALSE(work.step(100));
    const auto made = work.finish();
    EXPECT_EQ(made.of(subject_type::enterprise).rows(), 270U);
    EXPECT_EQ(made.disorder(), 0);
    const auto* column = region_in(made.of(subject_type::enterprise).layout());
    for (std::size_t row = 1; row < 270; ++row)
        EXPECT_LE(region_at(made.of(subject_type::enterprise), column, row - 1),
                  region_at(made.of(subject_type::enterprise), column, row));
}

TEST(shard_rows, loads_packed_profiles_in_any_order) {
    std::vector<std::string> packed;
    profile p;
    p.id = "S";
    p.contacts = {{"法人", "16400000001", ""}};
    for (const std::uint32_t ordinal : {4U, 0U, 2U}) packed.push_back(pack_profile(p, ordinal, "sealed"));
    packed.emplace_back("damaged");
    packed.push_back(pack_profile(p, 0xffff'ffff, ""));
    shard_rows rows(layouts());
    EXPECT_EQ(rows.load_packed(packed), 2U) << "an ordinal far beyond all others is damage";
    EXPECT_EQ(rows.of(subject_type::enterprise).rows(), 3U);
    EXPECT_EQ(rows.ordinals(), 5U);
    EXPECT_FALSE(rows.find(1).has_value());
    EXPECT_EQ(rows.reachable_of(*rows.find(4)), reachable_by::phone);
    EXPECT_EQ(rows.phones(subject_type::enterprise), std::vector<std::uint64_t>{7});
    EXPECT_EQ(rows.disorder(), 0);
}

} // namespace
} // namespace zhida::matcher
