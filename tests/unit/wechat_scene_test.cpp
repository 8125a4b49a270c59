#include "services/wechat_scene.hpp"

#include <gtest/gtest.h>

#include <set>

namespace zhida {
namespace {

using namespace std::chrono_literals;
const wall_time noon(milliseconds(1'790'000'000'000));
const crypto::sealer sealer = crypto::sealer::from_hex_key(std::string(64, '7')).value();
const crypto::sealer other = crypto::sealer::from_hex_key(std::string(64, '8')).value();

TEST(wechat_scene, what_is_signed_is_read_again) {
    const wechat_scenes scenes(sealer);
    for (const auto type : {subject_type::enterprise, subject_type::resident})
        for (const auto role : roles_of(type))
            for (const std::string id :
                 {"91310113MA1GKXYZ3K", "R310113-00000001", "A", "123456789012345678901234"}) {
                const auto text = scenes.sign({id, std::string(role), noon + 30min});
                EXPECT_LE(text.size(), 64U);
                EXPECT_TRUE(wechat_scenes::ours(text));
                const auto read = scenes.read(text, noon);
                ASSERT_TRUE(read) << read.error().text();
                EXPECT_EQ(read->subject_id, id);
                EXPECT_EQ(read->role, role);
            }
}

TEST(wechat_scene, no_character_of_it_may_change) {
    const wechat_scenes scenes(sealer);
    const auto text = scenes.sign({"R310113-00000001", "本人", noon + 30min});
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto changed = text;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(scenes.read(changed, noon)) << i;
        EXPECT_FALSE(scenes.read(text.substr(0, i), noon)) << i;
    }
    EXPECT_FALSE(scenes.read(text + "A", noon));
    EXPECT_FALSE(wechat_scenes(other).read(text, noon)) << "signed by another installation";
    EXPECT_FALSE(scenes.read("", noon));
    EXPECT_FALSE(scenes.read("zd.", noon));
    EXPECT_FALSE(scenes.read("menu_scene_17", noon));
}

TEST(wechat_scene, it_expires) {
    const wechat_scenes scenes(sealer);
    const auto text = scenes.sign({"R1", "本人", noon + 30min});
    EXPECT_TRUE(scenes.read(text, noon + 30min - 1ms));
    const auto late = scenes.read(text, noon + 30min);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, errc::timeout);
}

TEST(wechat_scene, each_is_another) {
    const wechat_scenes scenes(sealer);
    std::set<std::string> all;
    for (int i = 0; i < 100; ++i) all.insert(scenes.sign({"R1", "本人", noon}));
    EXPECT_EQ(all.size(), 100U);
}

} // namespace
} // namespace zhida
