// zhida import: reads a file of profiles piece by piece and appends them to zhida.profile.
#include "common/base/config_folder.hpp"
#include "common/base/crypto.hpp"
#include "common/base/json.hpp"
#include "common/store/key_check.hpp"
#include "services/commands.hpp"
#include "services/profiles/import_reader.hpp"
#include "services/profiles/import_report.hpp"
#include "services/profiles/profile_feed.hpp"
#include "services/publishing.hpp"
#include "services/run_once.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

namespace zhida::commands {

namespace {

constexpr std::size_t piece_size = 256 * 1024;

void say(const std::string& text) {
    std::cerr << "zhida import: " << text << "\n";
}

class input_file {
  public:
    explicit input_file(const std::string& name)
        : name_(name), fd_(name == "-" ? 0 : ::open(name.c_str(), O_RDONLY | O_CLOEXEC)), error_(errno) {}
    input_file(const input_file&) = delete;
    input_file& operator=(const input_file&) = delete;
    ~input_file() {
        if (fd_ > 0) ::close(fd_);
    }
    // Not a folder either, which can be opened but not read.
    bool open() {
        struct stat about{};
        if (fd_ >= 0 && ::fstat(fd_, &about) == 0 && S_ISDIR(about.st_mode)) {
            error_ = EISDIR;
            return false;
        }
        return fd_ >= 0;
    }
    failure why() const {
        return {errc::io, std::string("cannot be read: ") + std::strerror(error_), name_,
                "check the file's name"};
    }
    // Empty: the end.
    result<std::string> read() {
        std::string piece(piece_size, '\0');
        const auto size = ::read(fd_, piece.data(), piece.size());
        if (size < 0) {
            error_ = errno;
            return why();
        }
        piece.resize(static_cast<std::size_t>(size));
        return ok(std::move(piece));
    }

  private:
    std::string name_;
    int fd_, error_;
};

// One line a second while it goes on.
class progress {
  public:
    explicit progress(const clock& time) : time_(time), began_(time.steady_now()), said_(began_) {}
    void show(const profiles::import_counts& n) {
        const auto now = time_.steady_now();
        if (now - said_ < milliseconds(1000)) return;
        const auto per_s = (n.rows - rows_) * 1000 / (now - said_).count();
        say(std::to_string(n.rows) + " rows, " + std::to_string(per_s) + " rows/s, " + std::to_string(n.bad) +
            " bad");
        said_ = now;
        rows_ = n.rows;
    }
    double seconds() const { return static_cast<double>((time_.steady_now() - began_).count()) / 1000.0; }

  private:
    const clock& time_;
    steady_time began_, said_;
    std::int64_t rows_ = 0;
};

struct outcome {
    profiles::import_counts counts;
    double read_seconds = 0, applied_seconds = 0;
    bool applied = false;
    bool report_failed = false;
    result<void> done;
};

struct job {
    const config& settings;
    const matching::catalogue& catalogue;
    const crypto::sealer& sealer;
    const zhida::clock& time;
    input_file& file;
    profiles::import_report& report;
    bool wait = false;
};

void keep_report(profiles::import_report& report, const std::vector<profiles::bad_row>& rows, outcome& out) {
    if (out.report_failed) return; // said once; the good rows go on
    const auto added = rows.empty() ? report.finish() : report.add(rows);
    if (added) return;
    out.report_failed = true;
    say(added.error().text());
}

boost::asio::awaitable<result<void>> read_all(job j, profiles::profile_feed& feed, outcome& out,
                                              progress& shown) {
    profiles::import_reader reader(j.catalogue,
                                   {.today = shanghai_day(j.time.now()), .default_origin = "import"});
    result<void> read;
    for (bool more = true; more && read;) {
        const auto piece = j.file.read();
        if (!piece) co_return piece.error();
        more = !piece->empty();
        read = more ? reader.feed(*piece) : reader.finish();
        // Rows before a fault of the whole file are good: they go in.
        keep_report(j.report, reader.take_bad_rows(), out);
        out.counts = reader.counts();
        if (auto rows = reader.take_profiles(); !rows.empty())
            if (auto appended = co_await feed.append(std::move(rows)); !appended) co_return appended.error();
        shown.show(out.counts);
    }
    keep_report(j.report, {}, out);
    co_return read;
}

boost::asio::awaitable<outcome> import_file(boost::asio::any_io_executor executor, job j) {
    outcome out;
    const auto shards = static_cast<int>(j.settings.node.shards);
    progress shown(j.time);
    io::redis redis(executor,
                    {.url = j.settings.redis.url, .timeout = milliseconds(j.settings.redis.timeout_ms)});
    out.done = co_await store::check_key(redis, j.sealer); // before anything is sealed
    if (!out.done) co_return out;
    auto log = io::make_event_log(executor, j.settings);
    out.done = co_await log->ensure(all_topics(shards, j.settings.event_log.driver == "redis"));
    if (out.done) {
        profiles::profile_feed feed(*log, j.catalogue, j.sealer, shards, j.time, say);
        out.done = co_await read_all(j, feed, out, shown);
        out.read_seconds = shown.seconds();
        if (out.done && j.wait) {
            store::profiles stored(redis, j.sealer, shards);
            out.done = co_await feed.wait_applied(stored);
            out.applied = out.done.has_value();
            out.applied_seconds = shown.seconds();
        }
    }
    co_await log->close();
    redis.close();
    co_return out;
}

void summarise(const options& o, const std::string& file, const outcome& out,
               const profiles::import_report& report) {
    const auto& n = out.counts;
    const auto per_s =
        out.read_seconds > 0 ? static_cast<std::int64_t>(static_cast<double>(n.rows) / out.read_seconds) : 0;
    if (o.json) {
        json answer = {{"ok", out.done.has_value() && n.bad == 0},
                       {"file", file},
                       {"rows", n.rows},
                       {"good", n.good},
                       {"bad", n.bad},
                       {"duplicates", n.duplicates},
                       {"enterprises", n.enterprises},
                       {"residents", n.residents},
                       {"sizes_computed", n.sizes_computed},
                       {"sizes_differ", n.sizes_differ},
                       {"applied", out.applied},
                       {"seconds", out.read_seconds},
                       {"seconds_until_applied", out.applied_seconds},
                       {"rows_per_s", per_s}};
        if (report.written()) answer["report"] = report.path();
        if (!out.done) answer["error"] = out.done.error().text();
        std::cout << to_text(answer) << "\n";
        return;
    }
    if (n.rows == 0 && !out.done) return; // what went wrong has been said
    std::cout << n.rows << " rows: " << n.good << " imported (" << n.enterprises << " enterprises, "
              << n.residents << " residents), " << n.bad << " bad, of them " << n.duplicates
              << " given twice; " << per_s << " rows/s\n";
    if (n.sizes_computed > 0) std::cout << n.sizes_computed << " size classes computed\n";
    if (n.sizes_differ > 0)
        std::cout << n.sizes_differ << " size classes differ from the computed ones; those given were kept\n";
    if (report.written()) std::cout << "bad rows: " << report.path() << "\n";
    if (out.applied) std::cout << "applied after " << out.applied_seconds << " s\n";
}

} // namespace

int import_template(const options& o) {
    const auto catalogue = matching::catalogue::load(config_folder(o.settings) + "/catalogue");
    if (!catalogue) {
        say(catalogue.error().text());
        return 1;
    }
    std::string header;
    for (const auto& name : profiles::chinese_header(*catalogue)) {
        if (!header.empty()) header += ',';
        profiles::append_csv_field(header, name);
    }
    std::cout << "\xef\xbb\xbf" << header << "\r\n"; // begins as a spreadsheet wants it of UTF-8
    return 0;
}

int import_profiles(const options& o, const std::string& file, const std::string& report_file, bool wait) {
    const auto catalogue = matching::catalogue::load(config_folder(o.settings) + "/catalogue");
    if (!catalogue) {
        say(catalogue.error().text());
        return 1;
    }
    input_file in(file);
    if (!in.open()) {
        say(in.why().text());
        return 2;
    }
    const auto sealer = crypto::load_sealer(contact_key_path(o.settings), false);
    if (!sealer) {
        say(sealer.error().text());
        return 1;
    }
    profiles::import_report report(!report_file.empty() ? report_file
                                                        : (file == "-" ? "stdin" : file) + ".bad.csv");
    const system_clock time;
    const job j{o.settings, *catalogue, *sealer, time, in, report, wait};
    const auto out = run_once<outcome>([&](auto executor) { return import_file(executor, j); });
    if (!out.done) say((out.done.error().where.empty() ? file + ": " : "") + out.done.error().text());
    summarise(o, file, out, report);
    return out.done && out.counts.bad == 0 && !out.report_failed ? 0 : 1;
}

} // namespace zhida::commands
