#include "services/profiles/profile_event.hpp"

#include "common/base/murmur2.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "matching/profile_document.hpp"

namespace zhida::profiles {

io::log_message profile_message(const profile& p, const matching::catalogue& c, const crypto::sealer& sealer,
                                int shards, wall_time now) {
    cloud_event e;
    e.id = new_event_id();
    e.source = "/zhida/import";
    e.type = event_type::profile_upserted;
    e.subject = p.id;
    e.time = to_rfc3339(now);
    e.dataschema = matching::profile_schema;
    e.data = matching::write_profile_document(p, c, &sealer);
    auto encoded = encode_event(e);
    return {topics::profile, shard_of(p.id, shards), p.id, std::move(encoded.value),
            std::move(encoded.headers)};
}

} // namespace zhida::profiles
