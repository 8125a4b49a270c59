// What a QR code says that binds who scans it to a subject: signed by us, so that nobody makes one for
// somebody else's subject. WeChat hands it back in the event of the scan. Pure.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"
#include "common/model/profile.hpp"

#include <chrono>
#include <span>
#include <string>
#include <string_view>

namespace zhida {

inline constexpr std::chrono::minutes scene_lives{30};

struct wechat_scene {
    std::string subject_id;
    std::string role; // one of roles_of
    wall_time expires{};
};
// 法人, 财务, 人事 ... of enterprises; 本人, 家属 of residents.
std::span<const std::string_view> roles_of(subject_type type) noexcept;

class wechat_scenes {
  public:
    explicit wechat_scenes(const crypto::sealer& sealer)
        : key_(sealer.lookup_hash("zhida scene codes, version 1")) {}
    // At most 64 characters, another each time. role: one of roles_of.
    std::string sign(const wechat_scene& scene) const;
    // refused: not signed by us, or changed. expired: errc::timeout.
    result<wechat_scene> read(std::string_view text, wall_time now) const;
    // One of ours, good or not: other programs of the account have scenes too.
    static bool ours(std::string_view text) noexcept;

  private:
    std::string mac(std::string_view text) const;
    std::string key_;
};

} // namespace zhida
