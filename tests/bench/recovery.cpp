// A dispatcher that is killed in the middle of a large campaign: the whole service as a process of its own,
// matcher, scheduler and dispatcher, with a redis-server and a gateway that outlive it. An SMS to everybody;
// after some thousand SUBMITs SIGKILL, and the same again at once. Of several kills:
//   first_send_after_kill_s  from the kill to the first SUBMIT of the process that followed; the worst
//   recovery_ready_s         from the kill to its line "ready"; the worst
//   in_doubt                 deliveries that are `unknown` when all is sent: under way in one of the kills
//   in_doubt_sent            of these, messages that the gateway has
//   repeated                 messages with the same number and text that the gateway got twice; has to be 0
// Arguments: subjects (1000000), kills (3), SUBMITs of each process before it is killed (5000),
// sms.rate_per_s (0: as fast as it goes; all is sent in the end), brokers ("": the log is in Redis; a Kafka
// without our topics). ZHIDA names another program than the one beside.
#include "common/base/log.hpp"
#include "common/store/campaigns.hpp"
#include "matching/policy_check.hpp"
#include "services/demo_subjects.hpp"
#include "services/embedded_redis.hpp"
#include "services/publishing.hpp"
#include "services/run_once.hpp"
#include "tests/bench/support/cmpp_sink.hpp"
#include "tests/bench/support/everyone.hpp"
#include "tests/bench/support/measure.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace zhida;
using steady = std::chrono::steady_clock;

const std::string name = "bench-recovery";
constexpr auto patience = std::chrono::minutes(3); // for one step

double seconds_since(steady::time_point t) {
    return std::chrono::duration<double>(steady::now() - t).count();
}

// ---- the service

class service {
  public:
    service(const std::string& program, const std::string& folder) {
        const std::vector<std::string> words{program,      "--config", folder + "/zhida.toml",
                                             "run",        "--roles",  "matcher,scheduler,dispatcher",
                                             "--channels", "sms"};
        std::vector<char*> arguments;
        arguments.reserve(words.size() + 1);
        for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        log_file_ = folder + "/zhida.log";
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
        const int log = ::open(log_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(ends[1], STDOUT_FILENO);
            ::dup2(log, STDERR_FILENO);
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
        ::close(log);
        ::close(ends[1]);
        out_ = ends[0];
        ::fcntl(out_, F_SETFL, O_NONBLOCK);
        if (pid_ < 0) throw std::runtime_error("the service cannot be started");
    }
    service(const service&) = delete;
    service& operator=(const service&) = delete;
    ~service() {
        end(SIGKILL);
        ::close(out_);
    }

    // Has it said that it is ready? Throws where it has ended.
    bool ready() {
        char bytes[256];
        ssize_t count = 0;
        while ((count = ::read(out_, bytes, sizeof bytes)) > 0)
            said_.append(bytes, static_cast<std::size_t>(count));
        if (count == 0) throw std::runtime_error("the service ended: see " + log_file_);
        return said_.starts_with("ready");
    }
    // Returns when it is gone.
    void end(int signal) {
        if (pid_ < 0) return;
        ::kill(pid_, signal);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
    }

  private:
    pid_t pid_ = -1;
    int out_ = -1;
    std::string said_, log_file_;
};

// Asks every millisecond.
template <class Condition>
void wait_for(service& s, const char* what, Condition holds) {
    const auto until = steady::now() + patience;
    for (;; ::usleep(1000)) {
        (void)s.ready(); // throws where it has ended
        if (holds()) return;
        if (steady::now() > until) throw std::runtime_error(std::string(what) + ": not within three minutes");
    }
}

// ---- what is in the ledger

struct standing {
    std::int64_t audience = 0, pending = 0, unknown = 0, submitted = 0;
};

standing look(const config& c) {
    return run_once<standing>([&](asio::any_io_executor executor) -> asio::awaitable<standing> {
        io::redis redis(executor, {c.redis.url, milliseconds(60000)});
        store::campaigns campaigns(redis, static_cast<int>(c.node.shards));
        standing s;
        if (const auto p = co_await campaigns.progress(campaign_id(name, 1, 1), 2)) {
            s.audience = p->audience;
            for (const auto& of : p->channels) {
                const auto at = [&](ledger::state i) { return of.states[static_cast<std::size_t>(i)]; };
                s.pending +=
                    at(ledger::state::queued) + at(ledger::state::held) + at(ledger::state::submitting);
                s.unknown += at(ledger::state::unknown);
                s.submitted += at(ledger::state::submitted) + at(ledger::state::delivered);
            }
        }
        redis.close();
        co_return s;
    });
}

// ---- what is done

// The subjects come in with a matcher in this process, which is gone when this returns. Gives the event that
// publishes a policy for them.
io::log_message bring(const config& c, std::int64_t subjects) {
    app_roles roles;
    roles.dispatcher = roles.scheduler = roles.portal = false;
    app a(c, roles);
    io::log_message publication;
    const int code = a.run([&](app& running) -> asio::awaitable<void> {
        io::redis redis(running.executor(), {c.redis.url, milliseconds(60000)});
        auto log = io::make_event_log(running.executor(), c);
        store::profiles profiles(redis, running.sealer(), static_cast<int>(c.node.shards));
        (void)co_await bring_subjects(running, *log, profiles, subjects);
        auto policy = bench::policy_for_everyone(name);
        policy["push"] = {{"channels", json::array({"sms"})}};
        std::vector<failure> errors;
        const auto checked = matching::check_policy(policy, running.catalogue(), errors).value();
        publication = policy_message(checked.document, policy, running.clock().now());
        co_await log->close();
        redis.close();
        running.stop();
    });
    if (code != 0) throw std::runtime_error("the subjects could not be brought in");
    return publication;
}

void publish(const config& c, const io::log_message& publication) {
    run_once<bool>([&](asio::any_io_executor executor) -> asio::awaitable<bool> {
        const auto log = io::make_event_log(executor, c);
        (void)(co_await log->append(publication)).value();
        co_await log->close();
        co_return true;
    });
}

struct recovery {
    double ready_s = 0, first_send_s = 0;
};

recovery kill_and_start(std::optional<service>& s, const std::string& program, const std::string& folder,
                        const bench::cmpp_sink& sink) {
    const auto logins = sink.counts().logins;
    auto before = sink.counts().submits; // ... and what was on its way when its connection broke
    recovery r;
    const auto killed = steady::now();
    s->end(SIGKILL);
    s.emplace(program, folder);
    wait_for(*s, "the first SUBMIT after a kill", [&] {
        if (r.ready_s == 0 && s->ready()) r.ready_s = seconds_since(killed);
        const auto c = sink.counts();
        if (c.logins == logins)
            before = c.submits;
        else if (c.submits > before && r.first_send_s == 0)
            r.first_send_s = seconds_since(killed);
        return r.ready_s > 0 && r.first_send_s > 0;
    });
    return r;
}

struct arguments {
    std::int64_t subjects = 1'000'000;
    int kills = 3;
    std::int64_t submits = 5000, rate_per_s = 0;
    std::string brokers;
};

void measure(const std::string& program, const std::string& folder, const arguments& a) {
    bench::cmpp_sink sink({.secret = "simulated", .expected = static_cast<std::size_t>(a.subjects)});
    auto redis = embedded_redis::start(folder + "/redis").value();
    auto c = bench::settings_in(folder, redis.url());
    c.log.level = "warn";
    if (!a.brokers.empty()) {
        c.event_log.driver = "kafka";
        c.kafka.brokers = a.brokers;
    }
    c.sms.secret = "simulated";
    c.sms.port = sink.port();
    c.sms.window = 1024;
    c.sms.rate_per_s = a.rate_per_s;
    std::ofstream(folder + "/zhida.toml") << config_text(c);

    const auto publication = bring(c, a.subjects);
    std::optional<service> s;
    s.emplace(program, folder);
    wait_for(*s, "starting", [&] { return s->ready(); });
    publish(c, publication);

    recovery worst;
    std::int64_t started_at = 0; // SUBMITs before this process
    for (int i = 1; i <= a.kills; ++i) {
        wait_for(*s, "SUBMITs", [&] { return sink.counts().submits >= started_at + a.submits; });
        const auto r = kill_and_start(s, program, folder, sink);
        started_at = sink.counts().submits;
        std::cerr << "kill " << i << ": ready after " << r.ready_s << " s, first SUBMIT after "
                  << r.first_send_s << " s, number " << started_at << "\n";
        worst.ready_s = std::max(worst.ready_s, r.ready_s);
        worst.first_send_s = std::max(worst.first_send_s, r.first_send_s);
    }

    // Until all is sent: only then is it sure that nothing came twice, and what stays in doubt.
    standing now;
    std::int64_t seen = -1;
    auto moved = steady::now();
    do {
        ::usleep(200'000);
        (void)s->ready();
        if (const auto n = sink.counts().submits; n != seen) {
            seen = n;
            moved = steady::now();
            continue; // asking costs Redis something
        }
        if (steady::now() - moved > patience) throw std::runtime_error("the campaign does not end");
        now = look(c);
    } while (now.audience < a.subjects || now.pending > 0);
    s->end(SIGTERM);

    const auto got = sink.counts();
    if (got.submits < now.submitted || got.submits > now.submitted + now.unknown)
        std::cerr << "the ledger has " << now.submitted << " submitted and " << now.unknown
                  << " in doubt, the sink got " << got.submits << "\n";
    bench::print("first_send_after_kill_s", worst.first_send_s, "s");
    bench::print("recovery_ready_s", worst.ready_s, "s");
    bench::print("in_doubt", static_cast<double>(now.unknown), "deliveries");
    bench::print("in_doubt_sent", static_cast<double>(got.submits - now.submitted), "messages");
    bench::print("repeated", static_cast<double>(got.repeated), "messages");
}

} // namespace

int main(int argc, char** argv) try {
    arguments a;
    if (argc > 1) a.subjects = std::atoll(argv[1]);
    if (argc > 2) a.kills = std::atoi(argv[2]);
    if (argc > 3) a.submits = std::atoll(argv[3]);
    if (argc > 4) a.rate_per_s = std::atoll(argv[4]);
    if (argc > 5) a.brokers = argv[5];
    log::start(log::level::error, "text");
    const char* named = std::getenv("ZHIDA");
    const auto program =
        named ? std::filesystem::path(named)
              : std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "zhida";
    const auto folder =
        std::filesystem::temp_directory_path() / ("zhida-bench-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    measure(program.string(), folder.string(), a);
    std::filesystem::remove_all(folder);
    return 0;
} catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
}
