#include "common/model/text_links.hpp"

#include "common/base/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

namespace zhida {

namespace {

// A character of the text, folded, and where it stands.
struct character {
    char32_t folded;
    std::size_t from, to; // bytes
    bool sentence_dot = false;
};

constexpr bool digit(char32_t c) {
    return c >= '0' && c <= '9';
}
constexpr bool letter(char32_t c) {
    return c >= 'a' && c <= 'z';
}
constexpr bool alnum(char32_t c) {
    return digit(c) || letter(c);
}
constexpr bool of_label(char32_t c) {
    return alnum(c) || c == '-' || c == '_';
}
// Han and the like: letters of international domain names.
constexpr bool han(char32_t c) {
    return (c >= 0x3400 && c <= 0x9fff) || (c >= 0x20000 && c <= 0x3ffff);
}

// Full-width forms of what links are made of; ， and ？ stay what they are.
char32_t fold(char32_t c) {
    if (c >= 0xff01 && c <= 0xff5e) {
        const char32_t narrow = c - 0xfee0;
        const bool upper = narrow >= 'A' && narrow <= 'Z';
        if (upper || of_label(narrow) || narrow == '.' || narrow == '/' || narrow == ':' || narrow == '@')
            c = narrow;
    }
    if (c == 0xff61 || c == 0x2024 || c == 0xfe52) return U'.'; // dots that are read as one
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

std::vector<character> read(std::string_view utf8) {
    std::vector<character> all;
    for (std::size_t at = 0; at < utf8.size();) {
        const auto from = at;
        auto c = next_code_point(utf8, at);
        if (c == bad_code_point) {
            c = 0xfffd;
            ++at;
        }
        all.push_back({fold(c), from, at});
    }
    // 。 ends a sentence, but between two letters it is read as a dot too.
    for (std::size_t i = 1; i + 1 < all.size(); ++i)
        if (all[i].folded == 0x3002 && alnum(all[i - 1].folded) && alnum(all[i + 1].folded)) {
            all[i].folded = U'.';
            all[i].sentence_dot = true;
        }
    return all;
}

// Top-level domains, a space around each: all country codes, and the others that are met most
// (https://www.iana.org/domains/root/db).
constexpr std::string_view countries =
    " ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs"
    " bt bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee"
    " eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm"
    " hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb"
    " lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz"
    " na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs"
    " ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl"
    " tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw ";
constexpr std::string_view generic =
    " com net org gov edu mil int info biz name pro mobi asia tel top xyz vip shop site club online"
    " store tech ltd wang fun icu work link click live life ren group cloud app dev page ink red pub"
    " press space website world today video news art design wiki email chat social center company"
    " network team plus run cool zone city host win bid loan date party review trade gift help sbs"
    " cyou cfd bond lol buzz rest fit beauty hair skin makeup quest kim zip mov bank finance fund"
    " fyi beer yoga luxe law auto baidu citic sohu games game download guru media studio support"
    " services science tax money market ventures capital health care school academy ";
constexpr auto chinese = std::to_array<std::u32string_view>(
    {U"中国", U"中國", U"公司",     U"网络", U"網絡", U"政务", U"公益",   U"网址", U"在线",   U"中文网",
     U"商城", U"网店", U"商标",     U"网站", U"手机", U"移动", U"我爱你", U"集团", U"信息",   U"企业",
     U"娱乐", U"游戏", U"招聘",     U"购物", U"餐厅", U"时尚", U"香港",   U"台湾", U"新加坡", U"佛山",
     U"广东", U"机构", U"组织机构", U"组织", U"慈善", U"健康", U"联通",   U"中信"});
// What a sentence that ends before a Latin word is least likely to be followed by.
constexpr std::string_view after_sentence_dot = " com cn net org gov top xyz vip cc club shop site ";

bool top_level(const std::string& label, bool sentence_dot) {
    const auto in = [&](std::string_view list) { return list.find(" " + label + " ") != list.npos; };
    if (label.starts_with("xn--")) return true;
    return sentence_dot ? in(after_sentence_dot) : in(countries) || in(generic);
}

class finder {
  public:
    explicit finder(std::string_view text) : text_(text), all_(read(text)) {}

    std::vector<text_link> run() {
        for (std::size_t i = 0; i < all_.size();) {
            auto end = i;
            while (of_host(at(end))) ++end;
            if (at(end) == ':' && at(end + 1) == '/' && at(end + 2) == '/')
                i = with_scheme(i, end);
            else
                i = end > i ? bare(i, end) : i + 1;
        }
        return std::move(found_);
    }

  private:
    char32_t at(std::size_t i) const { return i < all_.size() ? all_[i].folded : U'\0'; }
    static bool of_host(char32_t c) { return of_label(c) || c == '.'; }
    // A full-width colon ends what stands before it.
    bool of_url(std::size_t i) const {
        const auto c = at(i);
        const bool wide = c == ':' && all_[i].to - all_[i].from > 1;
        return c > 0x20 && c < 0x7f && c != '<' && c != '>' && c != '"' && !wide;
    }
    std::string host_of(std::size_t from, std::size_t to) const {
        std::string host;
        for (auto i = from; i < to; ++i) append_utf8(host, all_[i].folded);
        return host;
    }
    // Ends the link at the first character that belongs to no URL.
    std::size_t add(std::size_t from, std::size_t to, std::string host) {
        while (of_url(to)) ++to;
        found_.push_back(
            {std::string(text_.substr(all_[from].from, all_[to - 1].to - all_[from].from)), std::move(host)});
        return to;
    }
    // Behind a port, where there is one.
    std::size_t behind_port(std::size_t end) const {
        if (at(end) != ':' || !digit(at(end + 1))) return end;
        for (++end; digit(at(end));) ++end;
        return end;
    }

    // "scheme://authority…", its colon at `colon`.
    std::size_t with_scheme(std::size_t from, std::size_t colon) {
        const auto host = colon + 3;
        auto end = host;
        while (of_host(at(end))) ++end;
        const auto behind = behind_port(end);
        // A user name, a backslash, letters of another script: it may lead anywhere.
        const auto next = at(behind);
        const bool plain =
            end > host && !han(next) && (!of_url(behind) || next == '/' || next == '?' || next == '#');
        return add(from, behind, plain ? host_of(host, end) : "");
    }

    // A run of letters, digits and dots that no scheme stands before; gives where to look on.
    std::size_t bare(std::size_t from, std::size_t end) {
        const auto run = end;
        if (at(end - 1) == '.' && han(at(end))) { // abc.公司, 直达.公司
            auto stop = end;
            while (han(at(stop))) ++stop;
            const bool named = end - 1 > from || (from > 0 && han(at(from - 1)));
            if (named && chinese_name(end, stop)) return add(from, behind_port(stop), "");
        }
        while (end > from && at(end - 1) == '.') --end;
        // 直达.com: its first label is of another script.
        const bool foreign = from > 0 && at(from) == '.' && han(at(from - 1));
        while (!foreign && from < end && at(from) == '.') ++from;
        auto last = end;
        while (last > from && at(last - 1) != '.') --last;
        if (last == from) return run; // no dot, or nothing at all
        return domain(from, last, end, foreign) ? found_end_ : run;
    }

    // [from, end) is a host with a dot; its last label begins at `last`.
    bool domain(std::size_t from, std::size_t last, std::size_t end, bool foreign) {
        const auto behind = behind_port(end);
        const bool path = at(behind) == '/' && of_url(behind + 1);
        const bool mail = from > 0 && at(from - 1) == '@';
        if (mail && !path && behind == end) return false;
        if (at(end) == '@') return false; // of an address: what stands before its @
        const auto host = host_of(from, end), label = host_of(last, end);
        const bool named = label.size() >= 2 && std::all_of(label.begin(), label.end(), [](char c) {
                               return letter(static_cast<unsigned char>(c));
                           });
        if (!host.starts_with("www.") && !(path && (named || address(host))) &&
            !top_level(label, all_[last - 1].sentence_dot))
            return false;
        found_end_ = add(from, behind, mail || foreign ? "" : host);
        return true;
    }

    bool chinese_name(std::size_t from, std::size_t to) const {
        return std::any_of(chinese.begin(), chinese.end(), [&](std::u32string_view name) {
            if (name.size() != to - from) return false;
            for (std::size_t i = 0; i < name.size(); ++i)
                if (at(from + i) != name[i]) return false;
            return true;
        });
    }

    static bool address(std::string_view host) {
        return std::count(host.begin(), host.end(), '.') == 3 &&
               std::all_of(host.begin(), host.end(),
                           [](char c) { return c == '.' || digit(static_cast<unsigned char>(c)); });
    }

    std::string_view text_;
    std::vector<character> all_;
    std::vector<text_link> found_;
    std::size_t found_end_ = 0; // behind the last one
};

} // namespace

std::vector<text_link> links_in(std::string_view utf8) {
    return finder(utf8).run();
}

bool within_domain(std::string_view host, std::string_view domain) noexcept {
    if (domain.empty() || host.size() < domain.size() || !host.ends_with(domain)) return false;
    return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

std::string hidden_character(std::string_view utf8) {
    for (std::size_t at = 0; at < utf8.size();) {
        auto c = next_code_point(utf8, at);
        if (c == bad_code_point) c = 0xfffd;
        const bool hidden = c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0xad || c == 0x61c || c == 0x180e ||
                            (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                            (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffd) ||
                            (c & 0xfffe) == 0xfffe || (c >= 0xe0000 && c <= 0xe007f);
        if (!hidden) continue;
        char name[16];
        std::snprintf(name, sizeof name, "U+%04X", static_cast<unsigned>(c));
        return name;
    }
    return "";
}

} // namespace zhida
