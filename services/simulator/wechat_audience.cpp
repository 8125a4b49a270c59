#include "services/simulator/wechat_audience.hpp"

namespace zhida::simulator {

bool wechat_audience::follows(const std::string& openid) const {
    const auto found = follows_.find(openid);
    return found == follows_.end() ? everybody_follows : found->second;
}

const wechat_audience::grant* wechat_audience::find(const std::string& openid,
                                                    const std::string& template_id) const {
    if (grants_.empty()) return nullptr;
    const auto found = grants_.find({openid, template_id});
    return found == grants_.end() ? nullptr : &found->second;
}

void wechat_audience::accept(const std::string& openid, const std::string& template_id, std::int64_t count,
                             bool long_term) {
    auto& g = grants_[{openid, template_id}];
    g.refused = false;
    if (long_term)
        g.long_term = true;
    else
        g.count += count;
}

void wechat_audience::reject(const std::string& openid, const std::string& template_id) {
    grants_[{openid, template_id}] = {0, false, true};
}

bool wechat_audience::refuses(const std::string& openid, const std::string& template_id) const {
    const auto* g = find(openid, template_id);
    return g && g->refused;
}

bool wechat_audience::granted(const std::string& openid, const std::string& template_id) const {
    return balance(openid, template_id) != 0;
}

void wechat_audience::spend(const std::string& openid, const std::string& template_id) {
    const auto found = grants_.find({openid, template_id});
    if (found != grants_.end() && !found->second.long_term) --found->second.count;
}

std::int64_t wechat_audience::balance(const std::string& openid, const std::string& template_id) const {
    const auto* g = find(openid, template_id);
    if (!g) return everybody_granted ? -1 : 0;
    return g->long_term ? -1 : g->count;
}

} // namespace zhida::simulator
