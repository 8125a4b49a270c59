// Everything the handlers of the portal share. One thread; members in the order they depend on one another.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "common/base/crypto.hpp"
#include "common/base/metrics.hpp"
#include "common/io/event_log.hpp"
#include "common/io/http_server.hpp"
#include "common/io/redis.hpp"
#include "common/model/sms_content.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/consents.hpp"
#include "common/store/feedback.hpp"
#include "common/store/gateway_states.hpp"
#include "common/store/idempotency.hpp"
#include "common/store/inbox.hpp"
#include "common/store/ledger.hpp"
#include "common/store/messages.hpp"
#include "common/store/policies.hpp"
#include "common/store/profiles.hpp"
#include "matching/catalogue.hpp"
#include "services/campaign_changes.hpp"
#include "services/consent_log.hpp"
#include "services/gateways/callback_doors.hpp"
#include "services/gateways/code_table.hpp"
#include "services/gateways/wechat_client.hpp"
#include "services/gateways/wechat_door.hpp"
#include "services/inbound_intake.hpp"
#include "services/portal/dead_letters.hpp"
#include "services/portal/live.hpp"
#include "services/portal/matchers.hpp"
#include "services/portal/policy_cache.hpp"
#include "services/portal/progress_cache.hpp"
#include "services/portal/samples.hpp"
#include "services/portal/session.hpp"
#include "services/portal/templates.hpp"
#include "services/wechat_intake.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace zhida::portal {

namespace asio = boost::asio;

// What the portal is given. References must outlive it.
struct portal_parts {
    const config& settings;
    const matching::catalogue& catalogue;
    const clock& time;
    const crypto::sealer& sealer;
    metrics& meters;
    std::string config_dir; // holds templates/, samples/policies/ and openapi.json
    // Why the process as a whole is not ready; empty: it is. Called on the portal's thread.
    std::function<std::vector<std::string>()> not_ready{};
};

// What is read from disk at start.
struct portal_files {
    templates pages;
    std::map<std::string, asset> assets;
    std::string asset_version; // changes when any asset does
    std::vector<sample_policy> samples;
    json openapi;
    sms_content sms; // what messages are made of
    gateways::code_table sms_codes;
};
// sms: what must fit sms_content.json and sms_codes.json.
result<portal_files> load_portal_files(const std::string& config_dir, const sms_config& sms);

// Of the accounts whose events come here. invalid: a key that cannot be read; names it.
result<std::vector<gateways::wechat_door>> wechat_doors_of(const config& settings);

struct context {
    context(asio::any_io_executor ex, const portal_parts& p, portal_files f)
        : executor(ex), parts(p), files(std::move(f)), settings(p.settings), time(p.time),
          redis(ex, {p.settings.redis.url, milliseconds(p.settings.redis.timeout_ms)}),
          log(io::make_event_log(ex, p.settings)), policies(redis),
          campaigns(redis, static_cast<int>(p.settings.node.shards)),
          profiles(redis, p.sealer, static_cast<int>(p.settings.node.shards)), inbox(redis), consents(redis),
          consent_changes(*log, consents, p.time, static_cast<int>(p.settings.node.shards)),
          numbers(p.sealer), messages(redis), feedback(redis, p.sealer),
          inbound(redis, *log, consents, campaigns, p.sealer, p.time,
                  static_cast<int>(p.settings.node.shards),
                  [this](std::string_view to) { return department_of_number(files.sms, settings.sms, to); }),
          doors(gateways::callback_doors::of(p.settings.sms).value()),
          addresses(redis, p.sealer, static_cast<int>(p.settings.node.shards)),
          wechat_events(redis, *log, consents, p.sealer, p.time, p.settings),
          wechat_doors(wechat_doors_of(p.settings).value()), ledgers(redis),
          changes(*log, campaigns, ledgers, p.time, static_cast<int>(p.settings.node.shards)),
          gateways(redis), idempotent(redis),
          sign_in(p.sealer.lookup_hash("zhida portal session key"), p.settings.portal.demo_sign_in),
          compiled(policies, p.catalogue, p.time), progress(executor, campaigns, p.time),
          shard_owners(executor, redis, p.sealer, p.time, static_cast<int>(p.settings.node.shards)) {}
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    asio::any_io_executor executor;
    portal_parts parts;
    portal_files files;
    const config& settings;
    const clock& time;
    io::redis redis;
    std::unique_ptr<io::event_log> log;
    store::policies policies;
    store::campaigns campaigns;
    store::profiles profiles;
    store::inbox inbox;
    store::consents consents;
    consent_log consent_changes;
    store::number_digests numbers;
    store::messages messages;
    store::feedback feedback;
    inbound_intake inbound;
    gateways::callback_doors doors;
    store::wechat_addresses addresses;
    wechat_intake wechat_events;
    std::vector<gateways::wechat_door> wechat_doors; // of accounts with a callback_token
    std::unique_ptr<gateways::wechat_client> wechat; // the official account, for QR codes; null: not used
    steady_time next_refusal_line{};
    int callbacks_under_way = 0;
    store::ledgers ledgers;
    campaign_changes changes;
    store::gateway_states gateways;
    store::idempotency idempotent;
    sessions sign_in;
    policy_cache compiled;
    progress_cache progress;
    matchers shard_owners;
    dead_letters buried;
    live_hub live;
};

} // namespace zhida::portal
