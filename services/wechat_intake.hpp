// Takes what WeChat and WeCom tell us, whoever hears it: what became of messages goes the way of receipts,
// what people allow and where they are reached goes to consents. Hearing an event again changes nothing.
#pragma once

#include "common/base/config.hpp"
#include "common/io/redis.hpp"
#include "common/store/wechat_addresses.hpp"
#include "services/consent_log.hpp"
#include "services/gateways/wechat_events.hpp"
#include "services/receipt_intake.hpp"
#include "services/wechat_scene.hpp"

#include <string>

namespace zhida {

class wechat_intake {
  public:
    // References must outlive it.
    wechat_intake(io::redis& redis, io::event_log& log, store::consents& consents,
                  const crypto::sealer& sealer, const clock& time, const config& settings);

    // account: "wechat", "miniprogram" or "wecom". Success: all of it is durable and in force; what to answer
    // its sender, "": nothing. Failure: not all of it; the platform tells it again. receipts: of this call.
    asio::awaitable<result<std::string>> accept(std::string account, gateways::wechat_event event,
                                                receipt_intake& receipts);

  private:
    struct hearing;
    asio::awaitable<result<std::string>> take(hearing h);
    asio::awaitable<result<void>> take_receipts(const hearing& h);
    asio::awaitable<result<void>> take_grants(const hearing& h);
    asio::awaitable<result<std::string>> take_text(const hearing& h);
    asio::awaitable<result<std::string>> bind(const hearing& h);
    asio::awaitable<result<void>> opened(const hearing& h, consent_change change);
    asio::awaitable<result<void>> record(consent_change change);

    io::redis& redis_;
    const clock& time_;
    const config& settings_;
    const crypto::sealer& sealer_;
    int shards_;
    consent_log changes_;
    store::number_digests digests_;
    store::wechat_addresses addresses_;
    wechat_scenes scenes_;
};

// What an event says of messages: none where it is about something else. Pure.
std::vector<gateways::receipt> receipts_in(const gateways::wechat_event& event, const std::string& account);

} // namespace zhida
