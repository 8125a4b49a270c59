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

namespace zhida::commands {

namespace {

boost::asio::awaitable<result<std::int64_t>> append(boost::asio::any_io_executor executor, config c,
                                                    std::vector<io::log_message> messages) {
    auto log = io::make_event_log(executor, c);
    auto ready = co_await log->ensure(all_topics(static_cast<std::int32_t>(c.node.shards)));
    if (!ready) co_return ready.error();
    auto offsets = co_await log->append_all(std::move(messages));
    co_await log->close();
    if (!offsets) co_return offsets.error();
    co_return offsets->empty() ? 0 : offsets->back();
}

} // namespace

int publish(const options& o, const std::vector<std::string>& files) {
    auto catalogue = matching::catalogue::load(config_folder(o.settings) + "/catalogue");
    if (!catalogue) {
        std::cerr << "zhida publish: " << catalogue.error().text() << "\n";
        return 1;
    }
    std::vector<io::log_message> messages;
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
            messages.push_back(policy_message(checked->document, *document, system_clock().now()));
        for (const auto& e : errors) std::cerr << file << ": " << e.text() << "\n";
        if (!errors.empty()) return 1; // all or none
    }
    auto appended =
        run_once<result<std::int64_t>>([&](auto executor) { return append(executor, o.settings, messages); });
    if (!appended) {
        std::cerr << "zhida publish: " << appended.error().text() << "\n";
        return 1;
    }
    if (o.json)
        std::cout << zhida::to_text(
                         json{{"ok", true}, {"published", messages.size()}, {"last_offset", *appended}})
                  << "\n";
    else
        std::cout << "published " << messages.size() << (messages.size() == 1 ? " policy" : " policies")
                  << " to zhida.policy\n";
    return 0;
}

} // namespace zhida::commands
