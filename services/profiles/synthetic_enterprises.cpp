#include "services/profiles/synthetic_enterprises.hpp"

#include "common/base/clock.hpp"
#include "services/profiles/synthesis.hpp"
#include "services/profiles/synthetic_contacts.hpp"
#include "services/profiles/synthetic_trades.hpp"

#include <algorithm>
#include <cmath>

namespace zhida::profiles {

namespace {

constexpr std::uint64_t stream_kind = 1;

// 31^6 codes behind HC; the factor has no common divisor with 31, so no two enterprises meet. Organisation
// codes that begin with HC (合成) are not issued: those of today begin with digits or with MA to MN.
std::string synthetic_uscc(std::string_view category, std::int64_t index) {
    constexpr std::string_view alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    constexpr std::uint64_t all = 31ULL * 31 * 31 * 31 * 31 * 31;
    auto number = (static_cast<std::uint64_t>(index) * 387420489U + 12345U) % all;
    std::string organisation = "HC000000";
    for (std::size_t i = 8; i-- > 2; number /= 31) organisation[i] = alphabet[number % 31];
    std::string code = std::string(category) + "310113" + organisation + organisation_check(organisation);
    return code + uscc_check(code);
}

enum org {
    limited,
    joint_stock,
    state_owned,
    collective,
    foreign,
    partnership,
    sole,
    individual,
    cooperative,
    social_group,
    social_service,
    branch
};
const weighted& org_weights() {
    static const weighted w{800, 8, 4, 4, 25, 20, 55, 55, 2, 3, 5, 19};
    return w;
}

} // namespace

struct synthetic_enterprises::draft {
    profile& p;
    random_stream& r;
    const synthetic_enterprises& all;
    const trade* is = nullptr;
    const synthetic_places::town* town = nullptr; // null: not of Baoshan
    org form = limited;
    std::int64_t reg = 0;
    std::int32_t established = 0;
    double age = 0; // years
    std::int64_t headcount = 0;
    double revenue = 0; // 万元
    std::int64_t qualifications = 0;

    // Not known for a share of the enterprises, each attribute its own.
    void put(int attribute, std::int64_t value, double missing) {
        if (!r.chance(missing)) p.attributes.set(attribute, value);
    }
    void put_money(int attribute, double wan, double missing) { // 万元, two decimals
        put(attribute, static_cast<std::int64_t>(std::llround(std::clamp(wan, 0.0, 9.9e7) * 100)), missing);
    }
    bool corporate() const { return form <= foreign || form == social_group || form == social_service; }
};

synthetic_enterprises::synthetic_enterprises(vocabulary& v, const synthetic_places& places,
                                             std::uint64_t seed, std::int32_t day)
    : places_(&places), seed_(seed), day_(day), year_(std::stoi(format_date(day).substr(0, 4))) {
    add_trades(v);
    add_terms(v);
}

void synthetic_enterprises::add_trades(vocabulary& v) {
    for (const auto& t : synthetic_trades) {
        trade made;
        made.codes = v.industries_below(t.code);
        // Which 小类 are frequent is no matter of the code's order: shuffle them once, the same for every
        // seed.
        random_stream order(0, 99, static_cast<std::uint64_t>(made.codes[0]));
        for (std::size_t i = made.codes.size(); i > 1; --i)
            std::swap(made.codes[i - 1], made.codes[order.below(i)]);
        made.word = t.word;
        made.headcount = t.headcount;
        made.revenue_per_head = t.revenue_per_head;
        made.section = t.code[0];
        made.is = t.kind == 'i'   ? trade::kind::industry
                  : t.kind == 't' ? trade::kind::technology
                  : t.kind == 'w' ? trade::kind::wholesale
                                  : trade::kind::plain;
        if (*t.tag) made.tags = v.bit("ent.industry_tags", t.tag);
        trades_.push_back(std::move(made));
        by_trade_.add(t.weight);
    }
}

void synthetic_enterprises::add_terms(vocabulary& v) {
    const auto n = [&](const char* name) { return v.number(std::string("ent.") + name); };
    at_ = {n("reg_division"),
           n("tax_division"),
           n("business_division"),
           n("park"),
           n("industry"),
           n("industry_tags"),
           n("org_type"),
           n("legal_person"),
           n("established"),
           n("moved_in"),
           n("status"),
           n("headcount"),
           n("revenue"),
           n("assets"),
           n("registered_capital"),
           n("tax_paid"),
           n("rd_expense"),
           n("qualifications"),
           n("recognitions"),
           n("hightech_year"),
           n("hightech_valid_to"),
           n("hightech_division"),
           n("insured_division"),
           n("insured_headcount"),
           n("ui_paid_last_year"),
           n("layoff_rate"),
           n("credit"),
           n("serious_violation_3y"),
           n("major_penalty_3y"),
           n("blacklisted"),
           n("taxpayer_type"),
           n("reports"),
           n("hired_groups"),
           n("hire_years"),
           n("first_office"),
           n("project_kinds"),
           n("project_fixed_investment"),
           n("project_equipment_ratio"),
           n("project_investment"),
           n("fund_guaranteed"),
           n("fund_loan_due"),
           n("epidemic_affected")};
    parks_ = v.terms("ent.park", {"宝山工业园区", "张江高新区宝山园", "宝山城市工业园区", "上海机器人产业园",
                                  "北上海生物医药产业园", "吴淞口国际邮轮港", "其他园区", "不在园区"});
    org_types_ = v.terms("ent.org_type", {"有限责任公司", "股份有限公司", "国有企业", "集体企业",
                                          "外商投资企业", "合伙企业", "个人独资企业", "个体工商户",
                                          "农民专业合作社", "社会团体", "社会服务机构", "分支机构"});
    statuses_ = v.terms("ent.status", {"存续", "停业", "经营异常", "吊销", "注销", "迁出"});
    credits_ = v.terms("ent.credit", {"良好", "一般", "失信"});
    const auto q = [&](const char* code) { return v.bit("ent.qualifications", code); };
    hightech_ = q("高新技术企业");
    tech_sme_ = q("科技型中小企业");
    innovative_ = q("创新型中小企业");
    specialised_ = q("市级专精特新中小企业");
    little_giant_ = q("国家级专精特新“小巨人”企业");
    champion_ = q("制造业单项冠军");
    private_hq_ = q("市民营企业总部");
    trade_hq_ = q("贸易型总部");
    tech_centre_ = q("市级企业技术中心");
    above_scale_ = q("规模以上工业企业");
    first_time_ = v.bit("ent.recognitions", "高新技术企业首次认定");
    renewed_ = v.bit("ent.recognitions", "高新技术企业重新认定");
    specialised_first_ = v.bit("ent.recognitions", "市级专精特新首次认定");
    const auto tax = [&](const char* code) { return v.bit("ent.taxpayer_type", code); };
    general_taxpayer_ = tax("增值税一般纳税人");
    small_taxpayer_ = tax("增值税小规模纳税人");
    monthly_ = tax("按月申报纳税人");
    quarterly_ = tax("按季申报纳税人");
    income_tax_ = tax("企业所得税纳税人");
    const auto tag = [&](const char* code) { return v.bit("ent.industry_tags", code); };
    cruise_ = tag("邮轮产业");
    cruise_hq_ = tag("邮轮产业总部");
    cruise_line_ = tag("邮轮公司");
    emerging_ = tag("战略性新兴产业");
    for (const char* code :
         {"火炬统计调查2021", "火炬统计调查2022", "火炬统计调查2023", "火炬统计调查2024", "火炬统计调查2025"})
        torch_.push_back(v.bit("ent.reports", code));
    for (const char* code : {"科技型中小企业评价入库", "研发费用加计扣除申报"})
        report_bits_.push_back(v.bit("ent.reports", code));
    for (const char* code :
         {"2023届毕业生", "2024届毕业生", "毕业年度高校毕业生", "离校2年内未就业毕业生",
          "登记失业3个月及以上人员", "登记失业16-24岁青年", "就业困难人员", "退役军人", "其他人员"})
        hired_.push_back(v.bit("ent.hired_groups", code));
    for (const char* code : {"2023年", "2024年", "2025年", "2026年"})
        hire_years_.push_back(v.bit("ent.hire_years", code));
    for (const char* code : {"首次购置自用", "首次租赁自用"})
        first_office_.push_back(v.bit("ent.first_office", code));
    for (const char* code : {"战略性新兴产业", "技术改造", "工业节能技改", "服务业节能改造", "建筑节能示范",
                             "交通节能", "5G+创新示范", "文旅影视体育", "文化创意", "科技创新"})
        project_kinds_.push_back(v.bit("ent.project_kinds", code));
}

profile synthetic_enterprises::make(std::int64_t index) const {
    profile p;
    random_stream r(seed_, stream_kind, static_cast<std::uint64_t>(index));
    draft d{p, r, *this};
    p.type = subject_type::enterprise;
    p.origin = synthetic_origin;
    p.as_of = day_ - static_cast<std::int32_t>(r.between(0, 60));
    d.is = &trades_[by_trade_.pick(r)];
    d.form = static_cast<org>(org_weights().pick(r));
    if (d.is->section == 'A' && r.chance(0.5)) d.form = cooperative;
    if (!r.chance(0.03)) d.town = &places_->any_town(r);
    add_register(d);
    add_figures(d);
    add_qualifications(d);
    add_credit(d);
    add_employment(d);
    add_projects(d);
    const char* category = d.form == individual       ? "92"
                           : d.form == cooperative    ? "93"
                           : d.form == social_group   ? "51"
                           : d.form == social_service ? "52"
                                                      : "91";
    p.id = synthetic_uscc(category, index);
    p.name = name_of(d);
    add_enterprise_contacts(p, index, r);
    return p;
}

std::string synthetic_enterprises::name_of(const draft& d) const {
    static constexpr const char* first[] = {"海", "申", "宝", "华", "瑞", "恒", "鑫", "锐",
                                            "博", "盛", "凯", "振", "明", "启", "卓", "汇",
                                            "天", "云", "金", "航", "嘉", "沪", "永", "远"};
    static constexpr const char* second[] = {"川", "达", "源", "驰", "诚", "泰", "隆", "越",
                                             "创", "联", "宇", "辰", "凌", "力", "铭", "峰",
                                             "腾", "欣", "睿", "阳", "朗", "信", "安", "图"};
    std::string name = synthetic_mark;
    if (d.form == individual) {
        name += d.town ? std::string("宝山区") + (d.town->name) : std::string("上海");
        name = name + first[d.r.below(24)] + second[d.r.below(24)];
        return name + d.is->word + "店";
    }
    name = name + "上海" + first[d.r.below(24)] + second[d.r.below(24)];
    if (d.r.chance(0.35)) name += first[d.r.below(24)];
    name += d.is->word;
    switch (d.form) {
    case joint_stock:
        return name + "股份有限公司";
    case partnership:
        return name + "合伙企业（有限合伙）";
    case sole:
        return name + "事务所";
    case cooperative:
        return name + "专业合作社";
    case social_group:
        return name + "协会";
    case social_service:
        return name + "服务中心";
    case branch:
        return name + "有限公司宝山分公司";
    default:
        return name + "有限公司";
    }
}

// A register knows the 街镇 of most, the 居村 of some, only the district of a few.
std::int64_t synthetic_enterprises::place_of(const synthetic_places::town& t, random_stream& r) const {
    const double u = r.unit();
    return u < 0.15 ? places_->any_village(t, r) : u < 0.95 ? t.code : places_->baoshan;
}

void synthetic_enterprises::add_register(draft& d) const {
    auto& r = d.r;
    d.reg = d.town          ? place_of(*d.town, r)
            : r.chance(0.8) ? places_->other_district(r)
                            : places_->other_province(r);
    d.put(at_.reg_division, d.reg, 0.005);
    // 税管地 is 注册地 mostly, not always: moved offices, headquarters that pay elsewhere.
    std::int64_t tax = d.town ? d.town->code : d.reg;
    if (const double u = r.unit(); u > 0.93)
        tax = u > 0.965 ? places_->other_district(r) : places_->any_town(r).code;
    else if (!d.town && u < 0.6)
        tax = places_->any_town(r).code;
    d.put(at_.tax_division, tax, 0.1);
    const bool same_place = r.chance(0.75);
    d.put(at_.business_division,
          same_place      ? d.reg
          : r.chance(0.7) ? places_->any_town(r).code
                          : places_->other_district(r),
          0.35);
    std::size_t park = 7; // 不在园区
    const bool maker = d.is->section == 'C' || d.is->is == trade::kind::technology;
    if (d.town && d.town->code == places_->industrial_park_town)
        park = r.chance(0.85) ? 0 : 6;
    else if (d.town && maker && r.chance(0.25))
        park = 1 + r.below(6);
    d.put(at_.park, parks_[park], 0.2);
    // Few 小类 hold most of an industry: the k-th is taken in proportion to about 1 / k.
    const auto& codes = d.is->codes;
    const auto k = static_cast<std::size_t>(std::pow(static_cast<double>(codes.size()) + 1.0, r.unit())) - 1;
    d.put(at_.industry, codes[std::min(k, codes.size() - 1)], 0.01);
    std::int64_t tags = r.chance(0.5) ? d.is->tags : 0;
    const bool at_the_terminal =
        d.town && (d.town->code == places_->cruise_towns[0] || d.town->code == places_->cruise_towns[1]);
    const bool of_the_sea = tags && (d.is->section == 'G' || std::string_view(d.is->word) == "旅行服务");
    if (at_the_terminal && r.chance(of_the_sea ? 0.3 : 0.004)) {
        tags |= cruise_;
        if (r.chance(0.15)) tags |= r.chance(0.3) ? cruise_hq_ | cruise_line_ : cruise_hq_;
    }
    if (maker && r.chance(0.04)) tags |= emerging_;
    d.put(at_.industry_tags, tags, 0.12);
    d.put(at_.org_type, org_types_[d.form], 0.01);
    d.put(at_.legal_person, d.corporate() ? 1 : 0, 0.02);
    d.age = r.chance(0.3) ? r.unit() * 3 : std::min(r.exponential(9), 45.0);
    d.established = day_ - static_cast<std::int32_t>(d.age * 365.25);
    d.put(at_.established, d.established, 0.005);
    if (r.chance(0.08))
        d.put(at_.moved_in, d.established + static_cast<std::int32_t>(r.unit() * d.age * 365), 0.05);
    static const weighted states{930, 20, 30, 5, 8, 7};
    d.put(at_.status, statuses_[states.pick(r)], 0.01);
    static const weighted usual{8, 20, 18, 25, 12, 20, 6, 5, 3};
    static constexpr double capital[] = {10, 50, 100, 100, 200, 500, 1000, 2000, 5000};
    if (d.form <= foreign) d.put_money(at_.registered_capital, capital[usual.pick(r)], 0.02);
}

void synthetic_enterprises::add_figures(draft& d) const {
    auto& r = d.r;
    double median = d.is->headcount;
    double sigma = 1.15;
    if (d.form == individual || d.form == sole) median = std::min(median, 3.0), sigma = 0.6;
    if (d.form == joint_stock || d.form == state_owned) median *= 4;
    if (d.form == foreign) median *= 2;
    d.headcount = std::clamp<std::int64_t>(std::llround(r.log_normal(median, sigma)), 1, 60000);
    d.revenue = static_cast<double>(d.headcount) * r.log_normal(d.is->revenue_per_head, 0.75);
    if (d.age < 1) d.revenue *= d.age;
    d.put(at_.headcount, d.headcount, 0.12);
    d.put_money(at_.revenue, d.revenue, 0.25);
    d.put_money(at_.assets, d.revenue * r.log_normal(0.8, 0.8) + 10, 0.35);
    d.put_money(at_.tax_paid, d.revenue * (0.01 + 0.05 * r.unit()), 0.2);
    if (d.is->is == trade::kind::technology)
        d.put_money(at_.rd_expense, r.chance(0.5) ? d.revenue * (0.02 + 0.1 * r.unit()) : 0.0, 0.45);
    else
        d.put_money(at_.rd_expense, 0, 0.7);
    const bool general = d.revenue > 500 || r.chance(0.3); // 万元; above it the law makes it general
    d.put(at_.taxpayer_type,
          (general ? general_taxpayer_ | monthly_ : small_taxpayer_ | quarterly_) |
              (d.form <= foreign ? income_tax_ : 0),
          0.1);
}

void synthetic_enterprises::add_qualifications(draft& d) const {
    auto& r = d.r;
    const double big =
        std::min(1.0, std::log1p(static_cast<double>(d.headcount)) / 6.0); // 0 .. 1 at 400 persons
    const bool technical = d.is->is == trade::kind::technology && d.form <= foreign && d.age > 1;
    std::int64_t recognised = 0;
    std::int32_t hightech_year = 0;
    if (technical) {
        if (r.chance(0.55 * big * big)) {
            d.qualifications |= hightech_;
            hightech_year = year_ - static_cast<std::int32_t>(r.between(0, 2)); // valid for three years
            const bool first = d.age < 6 || r.chance(0.3);
            recognised |= first ? first_time_ : renewed_;
        }
        if (r.chance(0.12)) d.qualifications |= tech_sme_;
        if (r.chance(0.25 * big)) d.qualifications |= innovative_;
        if (hightech_year && d.age > 2 && r.chance(0.3 * big)) {
            d.qualifications |= specialised_;
            if (r.chance(0.4)) recognised |= specialised_first_;
            if (r.chance(0.12 * big)) d.qualifications |= little_giant_;
            if (r.chance(0.02 * big)) d.qualifications |= champion_;
        }
        if (d.headcount > 150 && r.chance(0.15)) d.qualifications |= tech_centre_;
    }
    if (d.headcount > 300 && d.form == limited && r.chance(0.1)) d.qualifications |= private_hq_;
    if (d.is->is == trade::kind::wholesale && d.revenue > 50000 && r.chance(0.2))
        d.qualifications |= trade_hq_;
    // 规模以上工业: main business income of 20 million yuan and more a year
    if ((d.is->section == 'C' || d.is->section == 'D') && d.revenue >= 2000) d.qualifications |= above_scale_;
    d.put(at_.qualifications, d.qualifications, 0.06);
    d.put(at_.recognitions, recognised, technical ? 0.1 : 0.3);
    if (hightech_year) {
        d.put(at_.hightech_year, hightech_year, 0.04);
        std::int32_t issued = 0;
        parse_date(std::to_string(hightech_year) + "-11-15", issued);
        d.put(at_.hightech_valid_to, add_months(issued, 36), 0.06);
        d.put(at_.hightech_division,
              d.town && !r.chance(0.05) ? places_->baoshan : places_->other_district(r), 0.1);
    }
    std::int64_t reports = 0;
    if (hightech_year)
        for (const auto bit : torch_)
            if (r.chance(0.7)) reports |= bit;
    if (d.qualifications & tech_sme_) reports |= report_bits_[0];
    if (technical && r.chance(0.4)) reports |= report_bits_[1];
    d.put(at_.reports, reports, technical ? 0.2 : 0.6);
}

void synthetic_enterprises::add_credit(draft& d) const {
    auto& r = d.r;
    static const weighted credit{885, 100, 15};
    const auto standing = credit.pick(r);
    d.put(at_.credit, credits_[standing], 0.08);
    const double trouble = standing == 2 ? 0.3 : standing == 1 ? 0.03 : 0.002;
    d.put(at_.serious_violation_3y, r.chance(trouble) ? 1 : 0, 0.05);
    d.put(at_.major_penalty_3y, r.chance(trouble * 2) ? 1 : 0, 0.04);
    d.put(at_.blacklisted, standing == 2 && r.chance(0.4) ? 1 : 0, 0.03);
}

void synthetic_enterprises::add_employment(draft& d) const {
    auto& r = d.r;
    // Most insure where they are registered; the register of insurance knows the district.
    d.put(at_.insured_division, d.town && !r.chance(0.06) ? places_->baoshan : places_->other_district(r),
          0.12);
    const auto insured = static_cast<std::int64_t>(static_cast<double>(d.headcount) * (0.6 + 0.4 * r.unit()));
    d.put(at_.insured_headcount, insured, 0.15);
    d.put(at_.ui_paid_last_year, r.chance(0.92) ? 1 : 0, 0.2);
    const double layoffs = r.chance(0.5) ? 0.0 : std::min(100.0, r.exponential(5)); // %
    d.put(at_.layoff_rate, std::llround(layoffs * 100), 0.4);
    std::int64_t groups = 0, years = 0;
    if (r.chance(std::min(0.6, 0.02 * static_cast<double>(d.headcount)))) {
        const auto count = r.between(1, 3);
        for (std::int64_t i = 0; i < count; ++i) groups |= hired_[r.below(hired_.size())];
        years |= hire_years_[r.below(hire_years_.size())] | hire_years_[r.below(hire_years_.size())];
    }
    const bool known = !r.chance(0.45); // both come from one list
    d.put(at_.hired_groups, groups, known ? 0 : 1);
    d.put(at_.hire_years, years, known ? 0 : 1);
    const bool hard_hit = d.is->section == 'H' || d.is->section == 'R' || d.is->section == 'G';
    d.put(at_.epidemic_affected, r.chance(hard_hit ? 0.8 : 0.3) ? 1 : 0, 0.5);
}

void synthetic_enterprises::add_projects(draft& d) const {
    auto& r = d.r;
    std::int64_t office = 0;
    if (d.age < 3 && r.chance(0.12)) office = first_office_[r.chance(0.25) ? 0 : 1];
    d.put(at_.first_office, office, 0.4);
    std::int64_t kinds = 0;
    const bool maker = d.is->section == 'C';
    if (d.headcount >= 10 && r.chance(maker ? 0.08 : 0.015)) {
        const auto culture = d.is->section == 'R';
        kinds |= project_kinds_[maker ? r.below(3) : culture ? 7 + r.below(2) : 3 + r.below(7)];
        const double investment = r.log_normal(900, 1.0);
        d.put_money(at_.project_investment, investment, 0.05);
        d.put_money(at_.project_fixed_investment, investment * (0.4 + 0.6 * r.unit()), 0.1);
        d.put(at_.project_equipment_ratio, r.between(2000, 9500), 0.15);
    }
    d.put(at_.project_kinds, kinds, 0.3);
    const bool guaranteed = d.revenue > 100 && r.chance(0.03);
    d.put(at_.fund_guaranteed, guaranteed ? 1 : 0, 0.25);
    if (guaranteed) d.put(at_.fund_loan_due, day_ + static_cast<std::int32_t>(r.between(-200, 700)), 0.05);
}

} // namespace zhida::profiles
