// One synthetic enterprise after another. Weights, medians and missing rates are set by hand after what is
// generally known of a Shanghai district: many small traders, much steel, logistics and machinery, a few
// large firms. They are not statistics.
#pragma once

#include "services/profiles/random.hpp"
#include "services/profiles/synthetic_places.hpp"
#include "services/profiles/vocabulary.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace zhida::profiles {

class synthetic_enterprises {
  public:
    // `day`: today for ages and dates, days since 1970-01-01.
    synthetic_enterprises(vocabulary& v, const synthetic_places& places, std::uint64_t seed,
                          std::int32_t day);

    profile make(std::int64_t index) const;

  private:
    // What an industry is like, by 大类.
    struct trade {
        std::vector<std::int64_t> codes;    // its 小类, the frequent ones first
        const char* word;                   // in names
        double headcount, revenue_per_head; // medians; 万元
        enum class kind { plain, industry, technology, wholesale } is = kind::plain;
        char section = 'A';
        std::int64_t tags = 0; // that firms of the trade often have
    };
    struct draft; // the enterprise that is being made

    void add_trades(vocabulary& v);
    void add_terms(vocabulary& v);
    std::int64_t place_of(const synthetic_places::town& t, random_stream& r) const;
    void add_register(draft& d) const; // 市场监管: type, dates, places
    void add_figures(draft& d) const;  // headcount, revenue, assets, taxes
    void add_qualifications(draft& d) const;
    void add_credit(draft& d) const;
    void add_employment(draft& d) const;
    void add_projects(draft& d) const;
    std::string name_of(const draft& d) const;

    const synthetic_places* places_;
    std::uint64_t seed_;
    std::int32_t day_;
    int year_;
    std::vector<trade> trades_;
    weighted by_trade_;
    // Attribute numbers
    struct numbers {
        int reg_division, tax_division, business_division, park, industry, industry_tags, org_type,
            legal_person, established, moved_in, status, headcount, revenue, assets, registered_capital,
            tax_paid, rd_expense, qualifications, recognitions, hightech_year, hightech_valid_to,
            hightech_division, insured_division, insured_headcount, ui_paid_last_year, layoff_rate, credit,
            serious_violation_3y, major_penalty_3y, blacklisted, taxpayer_type, reports, hired_groups,
            hire_years, first_office, project_kinds, project_fixed_investment, project_equipment_ratio,
            project_investment, fund_guaranteed, fund_loan_due, epidemic_affected;
    } at_{};
    // Terms, in the order of the weights beside their use
    std::vector<std::int64_t> parks_, org_types_, statuses_, credits_;
    std::int64_t hightech_, tech_sme_, innovative_, specialised_, little_giant_, champion_, private_hq_,
        trade_hq_, tech_centre_, above_scale_, first_time_, renewed_, specialised_first_;
    std::int64_t general_taxpayer_, small_taxpayer_, monthly_, quarterly_, income_tax_;
    std::int64_t cruise_, cruise_hq_, cruise_line_, emerging_;
    std::vector<std::int64_t> torch_, report_bits_, hired_, hire_years_, first_office_, project_kinds_;
};

} // namespace zhida::profiles
