#include "common/base/config_folder.hpp"
#include "common/io/event_log.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "matching/policy_check.hpp"
#include "services/commands.hpp"
#include "services/publishing.hpp"
#include "services/run_once.hpp"

#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

namespace zhida::commands {

namespace {

struct checked_file {
    std::string name;
    policy about;
    json document;
};

struct outcome {
    std::size_t published = 0, repeated = 0;
    std::int64_t last_offset = 0;
};

// The events of the files that are not published yet; where one of them cannot be, none is.
boost::asio::awaitable<result<std::vector<io::log_message>>> messages_of(store::policies& policies,
                                                                         std::vector<checked_file> files) {
    std::vector<io::log_message> messages;
    std::map<std::string, store::stored_policy> known; // with what stands in the files before
    for (const auto& f : files) {
        if (!known.contains(f.about.id)) {
            auto stored = co_await policies.get(f.about.id);
            if (!stored && stored.error().code != errc::not_found) co_return stored.error();
            if (stored) known.emplace(f.about.id, std::move(*stored));
        }
        if (const auto held = known.find(f.about.id); held != known.end()) {
            auto repeated = repeats(held->second, f.about, f.document);
            if (!repeated) {
                auto why = repeated.error();
                why.where = f.name + ": " + why.where;
                co_return why;
            }
            if (*repeated) continue;
        }
        known[f.about.id] = {f.document, f.about.version};
        messages.push_back(policy_message(f.about, f.document, system_clock().now()));
    }
    co_return messages;
}

boost::asio::awaitable<result<outcome>> append(boost::asio::any_io_executor executor, config c,
                                               std::vector<checked_file> files) {
    io::redis redis(executor, {c.redis.url, milliseconds(c.redis.timeout_ms)});
    store::policies policies(redis);
    const auto count = files.size();
    auto messages = co_await messages_of(policies, std::move(files));
    redis.close();
    if (!messages) co_return messages.error();
    outcome out{messages->size(), count - messages->size()};
    if (messages->empty()) co_return out;
    auto log = io::make_event_log(executor, c);
    auto ready = co_await log->ensure(
        all_topics(static_cast<std::int32_t>(c.node.shards), c.event_log.driver == "redis"));
    if (!ready) co_return ready.error();
    auto offsets = co_await log->append_all(std::move(*messages));
    co_await log->close();
    if (!offsets) co_return offsets.error();
    out.last_offset = offsets->back();
    co_return out;
}

std::string policies_of(std::size_t n) {
    return std::to_string(n) + (n == 1 ? " policy" : " policies");
}

} // namespace

int publish(const options& o, const std::vector<std::string>& files) {
    auto catalogue = matching::catalogue::load(config_folder(o.settings) + "/catalogue");
    if (!catalogue) {
        std::cerr << "zhida publish: " << catalogue.error().text() << "\n";
        return 1;
    }
    std::vector<checked_file> good;
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        if (!in) {
            std::cerr << "zhida publish: " << file << ": cannot be opened\n";
            return 2;
        }
        const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
        std::vector<failure> errors;
        const auto document = parse_json(text);
        if (!document)
            errors.push_back(document.error());
        else if (auto checked = matching::check_policy(*document, *catalogue, errors);
                 checked && errors.empty())
            good.push_back({file, std::move(checked->document), *document});
        for (const auto& e : errors) std::cerr << file << ": " << e.text() << "\n";
        if (!errors.empty()) return 1; // all or none
    }
    const auto done =
        run_once<result<outcome>>([&](auto executor) { return append(executor, o.settings, good); });
    if (!done) {
        std::cerr << "zhida publish: " << done.error().text() << "\n";
        return 1;
    }
    if (o.json) {
        json answer{{"ok", true}, {"published", done->published}, {"repeated", done->repeated}};
        if (done->published > 0) answer["last_offset"] = done->last_offset;
        std::cout << zhida::to_text(answer) << "\n";
        return 0;
    }
    std::cout << "published " << policies_of(done->published) << " to zhida.policy";
    if (done->repeated > 0) std::cout << "; " << policies_of(done->repeated) << " had been published before";
    std::cout << "\n";
    return 0;
}

} // namespace zhida::commands
