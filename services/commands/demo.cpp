// zhida demo: everything on one machine, with subjects that do not exist (合成数据).
#include "common/base/config_folder.hpp"
#include "common/base/crypto.hpp"
#include "common/base/log.hpp"
#include "common/io/event_log.hpp"
#include "common/io/timer.hpp"
#include "common/model/deadline.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/ledger.hpp"
#include "common/store/policies.hpp"
#include "common/store/profiles.hpp"
#include "matching/policy_check.hpp"
#include "services/app.hpp"
#include "services/commands.hpp"
#include "services/data_folder.hpp"
#include "services/demo_subjects.hpp"
#include "services/embedded_redis.hpp"
#include "services/publishing.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace zhida::commands {

namespace {

namespace asio = boost::asio;

bool port_is_free(int port) {
    const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    const bool free = ::bind(s, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(s);
    return free;
}

// What the demonstration adds to the settings; what the user has set of them stays where it makes sense.
config demo_settings(config c, const demo_options& d, const std::string& redis_url) {
    c.node.data_dir = d.data;
    c.redis.url = redis_url;
    c.event_log.driver = "redis";
    c.portal.port = d.port;
    c.portal.demo_sign_in = true;
    c.campaign.approval = false;                    // nobody is there to approve the samples
    c.dispatch.quiet_until = c.dispatch.quiet_from; // at night it is to be seen at work too
    c.simulator.cmpp_port = 0;
    c.simulator.smpp_port = 0;
    c.simulator.wechat_port = 0;
    if (c.sms.secret.empty()) c.sms.secret = "simulated";
    if (c.wechat.appid.empty()) c.wechat.appid = "wx0000000000000000";
    if (c.wechat.secret.empty()) c.wechat.secret = "simulated";
    if (c.wechat.template_id.empty()) c.wechat.template_id = "policy-notice";
    if (c.wechat.callback_token.empty()) {
        c.wechat.callback_token = crypto::hex(crypto::random_bytes(16));
        c.wechat.callback_aes_key = crypto::hex(crypto::random_bytes(22)).substr(0, 43);
    }
    return c;
}

asio::awaitable<bool> judged_everywhere(store::ledgers& ledgers, int shards, std::int64_t end) {
    for (int shard = 0; shard < shards; ++shard)
        if ((co_await ledgers.matched_until(shard)).value().policy_offset < end) co_return false;
    co_return true;
}

asio::awaitable<void> publish_samples(app& a, io::event_log& log, io::redis& redis) {
    store::policies policies(redis);
    store::ledgers ledgers(redis);
    store::campaigns campaigns(redis, static_cast<int>(a.settings().node.shards));
    std::vector<std::filesystem::path> files;
    for (const auto& entry :
         std::filesystem::directory_iterator(config_folder(a.settings()) + "/samples/policies"))
        if (entry.path().extension() == ".json") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        if (a.stopping()) co_return;
        std::ifstream in(file, std::ios::binary);
        const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        const auto document = parse_json(text).value();
        std::vector<failure> errors;
        const auto checked = matching::check_policy(document, a.catalogue(), errors).value();
        const auto& p = checked.document;
        if ((co_await policies.get(p.id)).has_value()) continue; // published by an earlier start
        const auto offset = (co_await log.append(policy_message(p, document, a.clock().now()))).value();
        while (!a.stopping() &&
               !co_await judged_everywhere(ledgers, static_cast<int>(a.settings().node.shards), offset + 1))
            co_await io::sleep_for(a.clock(), milliseconds(10));
        if (a.stopping()) co_return;
        const auto progress =
            (co_await campaigns.progress(campaign_id(p.id, p.version, 1), p.items.size())).value();
        const auto today = shanghai_day(a.clock().now());
        const bool over = std::none_of(p.items.begin(), p.items.end(),
                                       [&](const policy_item& i) { return stands(p, i, today); });
        std::cout << "  " << p.id << " " << p.title << "："
                  << (progress.audience > 0 ? std::to_string(progress.audience) + " 个主体"
                      : over                ? "已截止，不推送"
                                            : "无符合主体")
                  << std::endl;
    }
}

std::string settings_file(const std::string& data) {
    return data + "/zhida.toml";
}

constexpr std::string_view settings_head =
    "# Of the demonstration that runs now; written at its start, removed at its end.";

// A file of the same name that somebody else has put there stays as it is.
bool may_replace(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    return !in || (std::getline(in, line) && line == settings_head);
}

// So that commands can be run beside the demonstration: where its Redis and its key are, while it runs.
bool write_settings(const app& a) {
    config c = a.settings();
    if (c.portal.public_url.empty())
        c.portal.port = std::stoi(a.address().substr(a.address().rfind(':') + 1));
    const auto file = settings_file(c.node.data_dir);
    if (!may_replace(file)) return false;
    std::ofstream out(file, std::ios::trunc);
    std::error_code code; // it holds secrets
    using std::filesystem::perms;
    std::filesystem::permissions(file, perms::owner_read | perms::owner_write, code);
    out << settings_head << "\n" << config_text(c);
    return !code && out.flush().good();
}

asio::awaitable<void> fill(app& a, std::int64_t subjects) {
    io::redis redis(a.executor(), {a.settings().redis.url, milliseconds(a.settings().redis.timeout_ms)});
    auto log = io::make_event_log(a.executor(), a.settings());
    store::profiles profiles(redis, a.sealer(), static_cast<int>(a.settings().node.shards));
    const auto known = (co_await profiles.count()).value();
    if (known >= subjects) {
        std::cout << "  " << known << " 个合成主体已在库中" << std::endl;
    } else {
        const auto brought = co_await bring_subjects(a, *log, profiles, subjects);
        std::cout << "  " << subjects << " 个合成主体已入库：" << enterprises_of(subjects) << " 家企业、"
                  << subjects - enterprises_of(subjects) << " 位居民（"
                  << subjects * 1000 / std::max<std::int64_t>(brought.count(), 1) << " 行/秒）" << std::endl;
    }
    co_await publish_samples(a, *log, redis);
    co_await log->close();
    redis.close();
    if (a.stopping()) co_return;
    const auto at = a.address();
    std::cout << "\n直达演示（合成数据，演示登录） Zhida demo, synthetic subjects\n"
              << "  登录   sign in      " << at << "/\n"
              << "  企业   enterprise   " << at << "/enterprise\n"
              << "  居民   resident     " << at << "/resident\n"
              << "  部门   department   " << at << "/department\n"
              << "  运营   operator     " << at << "/operator\n"
              << (write_settings(a)
                      ? "  命令   commands     ZHIDA_CONFIG=" + settings_file(a.settings().node.data_dir) +
                            " " + std::filesystem::read_symlink("/proc/self/exe").string() +
                            " ledger verify\n"
                      : "")
              << "  Ctrl-C 停止；再次启动会从停下的地方继续\n"
              << "ready " << at << "/" << std::endl;
}

} // namespace

int demo(const options& o, const demo_options& given) {
    demo_options d = given;
    d.data = std::filesystem::absolute(d.data).string();
    auto folder = data_folder::take(d.data);
    if (!folder) {
        std::cerr << "zhida demo: " << folder.error().text() << "\n";
        return 1;
    }
    if (d.port != 0 && !port_is_free(d.port)) {
        if (d.port_given) {
            std::cerr << "zhida demo: port " << d.port << " is in use (choose another with --port)\n";
            return 1;
        }
        d.port = 0;
    }
    auto redis = embedded_redis::start(d.data + "/redis");
    if (!redis) {
        std::cerr << "zhida demo: " << redis.error().text() << "\n";
        return 1;
    }
    // Progress is for people here; only what goes wrong is logged.
    if (o.settings.log.level == "info") log::start(log::level::warn, "text");
    app_roles roles;
    roles.simulator = true;
    app a(demo_settings(o.settings, d, redis->url()), roles);
    std::cout << "数据 data " << d.data << std::endl;
    const auto subjects = d.subjects;
    const int code = a.run([subjects](app& running) { return fill(running, subjects); });
    std::error_code none;
    if (may_replace(settings_file(d.data))) std::filesystem::remove(settings_file(d.data), none);
    return code;
}

} // namespace zhida::commands
