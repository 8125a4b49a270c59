#include "services/matcher/first_round.hpp"

#include "common/model/deadline.hpp"

namespace zhida::matcher {

campaign first_round(const policy& p, const std::string& publisher, std::int64_t received_ms) {
    campaign c;
    c.policy_id = p.id;
    c.policy_version = p.version;
    c.id = campaign_id(p.id, p.version, c.round);
    c.title = p.title;
    c.issuer = p.issuer;
    c.channels = p.channels;
    c.urgency = p.urgency;
    c.routing = p.routing;
    c.drafted_by = publisher.empty() ? p.issuer : publisher;
    c.created_ms = received_ms;
    c.expires_ms = expiry_ms_of(p);
    c.state = campaign_state::draft;
    return c;
}

} // namespace zhida::matcher
