// Who follows an account of the WeChat platform, and who has agreed to which of its messages. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace zhida::simulator {

class wechat_audience {
  public:
    bool everybody_follows = true; // who was never told to follow or to leave
    bool everybody_granted = true; // likewise: for good, to every subscription template

    bool follows(const std::string& openid) const;
    void set_follows(const std::string& openid, bool follows) { follows_[openid] = follows; }

    // One-time grants add up, each is good for one message; a long-term one lasts until it is taken back.
    void accept(const std::string& openid, const std::string& template_id, std::int64_t count,
                bool long_term);
    // Takes every grant back; template messages of this template are refused as well.
    void reject(const std::string& openid, const std::string& template_id);
    bool refuses(const std::string& openid, const std::string& template_id) const;
    bool granted(const std::string& openid, const std::string& template_id) const;
    void spend(const std::string& openid, const std::string& template_id); // of one that is granted
    // One-time grants that are left; -1: a long-term one.
    std::int64_t balance(const std::string& openid, const std::string& template_id) const;

  private:
    struct grant {
        std::int64_t count = 0;
        bool long_term = false, refused = false;
    };
    const grant* find(const std::string& openid, const std::string& template_id) const;
    std::map<std::string, bool> follows_;
    std::map<std::pair<std::string, std::string>, grant> grants_; // by openid and template
};

} // namespace zhida::simulator
