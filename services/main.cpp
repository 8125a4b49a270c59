// The command line. Exit codes: 0 all is well, 1 what was checked is wrong or the work failed, 2 wrong usage.
#include "common/base/failpoint.hpp"
#include "common/base/log.hpp"
#include "services/commands.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <unistd.h>

namespace {

std::map<std::string, std::string> environment() {
    std::map<std::string, std::string> all;
    for (char** entry = environ; *entry; ++entry) {
        const std::string text = *entry;
        const auto equals = text.find('=');
        if (equals != std::string::npos) all[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return all;
}

void start_log(const zhida::log_config& c) {
    using zhida::log::level;
    const auto lowest = c.level == "debug"   ? level::debug
                        : c.level == "warn"  ? level::warn
                        : c.level == "error" ? level::error
                                             : level::info;
    zhida::log::start(lowest, c.format);
}

constexpr const char* import_help =
    R"(The file is CSV in UTF-8 with a header, or JSON Lines (config/schemas/profile.schema.json).
Columns of CSV, in any order, by either name:
  编号, 统一社会信用代码, id       the subject's id; of an enterprise its 统一社会信用代码
  类型, type                       企业 or 居民 (enterprise, resident)
  名称, 企业名称, 姓名, name
  数据日期, as_of                  the day the facts were taken (today)
  数据来源, origin                 where they come from (import)
  联系人角色, contact_role         also 联系人手机 contact_phone, 联系人openid contact_openid;
                                   联系人2角色, contact2_role and so on: up to 16 contacts
  从业人员, ent.headcount ...      every attribute of config/catalogue/attributes.json
The first three are needed; an empty cell is not known, 无 is known to be none. Dates may be
2026-09-14, 2026/9/14 or 2026年9月14日; several terms in a cell are separated by ; or ；.
Rows that are wrong go to FILE.bad.csv with the reason, the others go in.
zhida import --template > people.csv begins a file.)";

struct arguments {
    std::string config_file;
    std::vector<std::string> sets, roles, channels, files;
    bool check_config = false, json = false, no_wait = false, import_header = false;
    std::string file, report, subject, policy;
    std::vector<std::int64_t> letters;
    zhida::commands::demo_options demo;
    zhida::commands::synth_options synth;
};

} // namespace

int main(int argc, char** argv) try {
    arguments a;
    CLI::App cli{"Zhida (直达): a published policy reaches everyone it is for"};
    cli.set_version_flag("--version", ZHIDA_VERSION);
    cli.add_option("--config", a.config_file, "TOML file; config/zhida.toml lists every key")
        ->envname("ZHIDA_CONFIG");
    cli.add_option("--set", a.sets, "section.key=value, wins over file and environment")
        ->allow_extra_args(false);
    cli.add_flag("--check-config", a.check_config,
                 "Check the configuration, print it (secrets masked) and stop");
    cli.add_flag("--json", a.json, "Answer as JSON");
    cli.require_subcommand(0, 1);
    cli.fallthrough(); // the options above may follow the command

    auto* run = cli.add_subcommand("run", "Run the service, all roles or some");
    run->add_option("--roles", a.roles,
                    "matcher, dispatcher, scheduler, portal, simulator (default: all but the last)")
        ->delimiter(',');
    run->add_option("--channels", a.channels, "Of the dispatcher: web, sms, wechat (default: all)")
        ->delimiter(',');

    auto* demo = cli.add_subcommand("demo", "Run everything on this machine with synthetic subjects");
    auto* port = demo->add_option("--port", a.demo.port, "Port of the pages (default 8080, or a free one)")
                     ->check(CLI::Range(0, 65535));
    demo->add_option("--data", a.demo.data, "Folder that keeps everything");
    demo->add_option("--subjects", a.demo.subjects, "Synthetic subjects: a quarter enterprises")
        ->check(CLI::Range(4, 20000000));

    auto* simulate = cli.add_subcommand("simulate", "Run the gateway simulators (development only)");

    auto* policy = cli.add_subcommand("policy", "Policy documents");
    policy->require_subcommand(0, 1); // where one is required, a wrong one would not be named
    auto* check = policy->add_subcommand("check", "Check policy documents; - reads standard input");
    check->add_option("files", a.files)->required();

    auto* publish = cli.add_subcommand("publish", "Publish policy documents, all or none");
    publish->add_option("files", a.files)->required();

    auto* import = cli.add_subcommand("import", "Import profiles from CSV or JSON Lines");
    auto* import_file = import->add_option("file", a.file, "FILE.csv, FILE.jsonl, or - for standard input");
    auto* import_header =
        import->add_flag("--template", a.import_header, "Print a CSV header with every column in Chinese");
    import_header->excludes(import_file);
    import->footer(import_help);
    import->add_option("--report", a.report, "Where bad rows go (default: FILE.bad.csv)");
    import->add_flag("--no-wait", a.no_wait, "Do not wait until the profiles can be matched");

    auto* synth = cli.add_subcommand("synth", "Make a synthetic population (合成数据)");
    synth->add_option("--enterprises", a.synth.enterprises)->check(CLI::Range(0, 20000000));
    synth->add_option("--residents", a.synth.residents)->check(CLI::Range(0, 50000000));
    synth->add_option("--seed", a.synth.seed);
    synth->add_option("out", a.synth.out, "FILE.jsonl, FILE.csv, or - for standard output")->required();

    auto* why = cli.add_subcommand("why", "Why a subject got a policy, or did not");
    why->add_option("subject", a.subject)->required();
    why->add_option("policy", a.policy)->required();

    auto* ledger = cli.add_subcommand("ledger", "The state of every delivery");
    ledger->require_subcommand(0, 1);
    auto* verify = ledger->add_subcommand("verify", "Check the ledger from its arrays");
    auto* rebuild = ledger->add_subcommand(
        "rebuild", "Make ledger, audiences, campaigns and opt-outs in Redis again from the event log");

    auto* dlq = cli.add_subcommand("dlq", "Events that could not be read (zhida.deadletter)");
    dlq->require_subcommand(0, 1);
    const CLI::Validator letter_number(
        [](const std::string& text) {
            const bool number = !text.empty() && text.size() < 19 &&
                                text.find_first_not_of("0123456789") == std::string::npos;
            return number ? std::string() : "'" + text + "' 不是信件编号，用 zhida dlq list 查看";
        },
        "NUMBER");
    auto* letters = dlq->add_subcommand("list", "Which, and why");
    auto* letter = dlq->add_subcommand("show", "Some of them with what they hold");
    letter->add_option("numbers", a.letters, "As list shows them")->required()->check(letter_number);
    auto* replay =
        dlq->add_subcommand("replay", "Hand them in again as they came, once their cause is mended");
    replay->add_option("numbers", a.letters, "As list shows them")->required()->check(letter_number);

    auto* failpoints = cli.add_subcommand("failpoints", "The steps at which a test may end the process");
    failpoints->group(""); // not in the help: no program that runs has any

    try {
        cli.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return cli.exit(e) == 0 ? 0 : 2;
    }

    if (zhida::failpoint::compiled_in) zhida::failpoint::check_order();
    if (*failpoints) {
        if (!zhida::failpoint::compiled_in) {
            std::cerr << "zhida failpoints: built without them (cmake -DZHIDA_FAILPOINTS=ON)\n";
            return 1;
        }
        for (const auto name : zhida::failpoint::names) std::cout << name << "\n";
        return 0;
    }

    auto loaded = zhida::load_config({a.config_file, environment(), a.sets});
    for (const auto& w : loaded.warnings) std::cerr << "configuration: warning: " << w.text() << "\n";
    for (const auto& e : loaded.errors) std::cerr << "configuration: " << e.text() << "\n";
    if (!loaded.errors.empty()) return 2;
    if (a.check_config && !*run) {
        std::cout << zhida::describe(loaded.values);
        return 0;
    }
    start_log(loaded.values.log);

    namespace commands = zhida::commands;
    const commands::options o{std::move(loaded.values), a.json};
    if (*run) return commands::run(o, a.roles, a.channels, a.check_config);
    if (*demo) {
        a.demo.port_given = port->count() > 0;
        return commands::demo(o, a.demo);
    }
    if (*simulate) return commands::simulate(o);
    if (*check) return commands::policy_check(o, a.files);
    if (*publish) return commands::publish(o, a.files);
    if (*import && a.import_header) return commands::import_template(o);
    if (*import && a.file.empty()) {
        std::cerr << "zhida import: name a file, or - for standard input (zhida import --help)\n";
        return 2;
    }
    if (*import) return commands::import_profiles(o, a.file, a.report, !a.no_wait);
    if (*synth) return commands::synth(o, a.synth);
    if (*why) return commands::why(o, a.subject, a.policy);
    if (*verify) return commands::ledger_verify(o);
    if (*rebuild) return commands::ledger_rebuild(o);
    if (*letters) return commands::dlq(o, commands::dlq_act::list, {});
    if (*letter) return commands::dlq(o, commands::dlq_act::show, a.letters);
    if (*replay) return commands::dlq(o, commands::dlq_act::replay, a.letters);
    std::cerr << cli.help();
    return 2;
} catch (const zhida::failure_error& e) {
    std::cerr << "zhida: " << e.what() << "\n";
    return 1;
} catch (const std::exception& e) {
    std::cerr << "zhida: " << e.what() << " (this is a bug)\n";
    return 1;
}
