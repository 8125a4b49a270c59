#include "services/profiles/synthetic_residents.hpp"

#include "common/base/clock.hpp"
#include "services/profiles/synthesis.hpp"
#include "services/profiles/synthetic_contacts.hpp"

#include <algorithm>

namespace zhida::profiles {

namespace {

constexpr std::uint64_t stream_kind = 2;

enum job {
    employed,
    freelance,
    registered_unemployed,
    not_employed,
    protected_leave,
    rural_surplus,
    final_year,
    student,
    retired
};
enum schooling { primary, junior, senior, vocational, college, bachelor, master, doctor };

int clamp_age(std::int64_t age) {
    return static_cast<int>(std::clamp<std::int64_t>(age, 0, 103));
}

} // namespace

struct synthetic_residents::member {
    int age = 0;
    bool male = false;
    bool parent = false;   // of the household's children
    std::int32_t born = 0; // days
    int children = 0;
    std::int32_t youngest = 0; // born, days
};

struct synthetic_residents::home {
    std::int64_t village = 0, hukou = 0;
    bool from_outside = false; // hukou of another province
    bool rents = false;
    std::size_t size = 0;
    std::string surname, other_surname; // of the house; of those who married into it
};

synthetic_residents::synthetic_residents(vocabulary& v, const synthetic_places& places, std::uint64_t seed,
                                         std::int32_t day)
    : places_(&places), seed_(seed), day_(day) {
    const auto n = [&](const char* name) { return v.number(std::string("person.") + name); };
    at_ = {n("birth_date"),
           n("sex"),
           n("hukou_division"),
           n("residence_division"),
           n("household_size"),
           n("children"),
           n("youngest_child_birth"),
           n("employment"),
           n("education"),
           n("certificate_level"),
           n("graduation_date"),
           n("veteran"),
           n("discharge_date"),
           n("disability"),
           n("low_income"),
           n("insured_division"),
           n("rents_market_housing"),
           n("housing_fund")};
    sexes_ = v.terms("person.sex", {"男", "女"});
    employments_ = v.terms("person.employment", {"在职", "灵活就业", "登记失业", "未就业", "协保", "农村富余",
                                                 "毕业学年学生", "在校学生", "退休"});
    educations_ =
        v.terms("person.education", {"小学及以下", "初中", "高中", "中专", "大专", "本科", "硕士", "博士"});
    certificates_ = v.terms("person.certificate_level", {"五级", "四级", "三级", "二级", "一级"});
}

// Household sizes with the census' mean of 2.32 persons. Who lives together is set by hand so that the ages
// come out as 9.8 % to 14, 23.4 % from 60.
std::vector<synthetic_residents::member> synthetic_residents::compose(random_stream& r) const {
    static const weighted sizes{28, 34, 23, 10, 5};
    std::vector<member> members;
    const auto add = [&](std::int64_t age, bool male) {
        members.push_back({.age = clamp_age(age), .male = male});
    };
    const auto couple = [&](std::int64_t age) {
        add(age, true);
        add(age - r.between(-2, 5), false);
    };
    const auto child = [&](std::int64_t parent_age) {
        members[0].parent = true;
        if (members.size() > 1 && members[1].age > 20) members[1].parent = true;
        const auto age = parent_age - 28 + r.between(-5, 6);
        add(std::max<std::int64_t>(age, 0), r.chance(0.525));
    };
    const auto working_age = [&] { return r.chance(0.62) ? r.between(25, 42) : r.between(43, 59); };
    const auto old_age = [&] { return 60 + static_cast<std::int64_t>(std::min(r.exponential(11.5), 40.0)); };
    switch (sizes.pick(r) + 1) {
    case 1:
        add(r.chance(0.36) ? old_age() : r.chance(0.45) ? r.between(20, 32) : working_age(), r.chance(0.55));
        break;
    case 2:
        if (r.chance(0.86)) {
            couple(r.chance(0.43) ? old_age() : working_age());
        } else {
            add(working_age(), r.chance(0.35));
            child(members[0].age);
        }
        break;
    case 3:
        couple(r.between(28, 59));
        if (r.chance(0.88))
            child(members[0].age);
        else
            add(members[0].age + r.between(22, 32), r.chance(0.4));
        break;
    case 4:
        couple(r.between(28, 48));
        child(members[0].age);
        if (r.chance(0.35))
            child(members[0].age - 3);
        else
            add(members[0].age + r.between(23, 31), r.chance(0.4));
        break;
    default:
        couple(r.between(28, 46));
        child(members[0].age);
        add(members[0].age + r.between(24, 31), true);
        add(members[0].age + r.between(22, 29), false);
        break;
    }
    return members;
}

std::vector<profile> synthetic_residents::household(std::int64_t number, std::int64_t first_index) const {
    static constexpr const char* surnames[] = {
        "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林",
        "何", "郭", "马", "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "沈", "陆", "顾"};
    random_stream r(seed_, stream_kind, static_cast<std::uint64_t>(number));
    auto members = compose(r);
    home h;
    h.size = members.size();
    h.village = places_->any_village(places_->any_home(r), r);
    // 42 % come from other provinces, the old far less often.
    h.from_outside = r.chance(members[0].age < 60 ? 0.49 : 0.17);
    h.hukou = h.from_outside  ? places_->other_province(r)
              : r.chance(0.8) ? h.village / 1000 // the 街镇
                              : places_->other_district(r);
    h.rents = r.chance(h.from_outside ? 0.45 : 0.08);
    h.surname = surnames[r.below(std::size(surnames))];
    h.other_surname = surnames[r.below(std::size(surnames))];

    int children = 0;
    std::int32_t youngest = 0;
    for (auto& m : members) {
        m.born = day_ - m.age * 365 - m.age / 4 - static_cast<std::int32_t>(r.between(1, 364));
        if (!m.parent && members[0].parent && m.age + 15 < members[0].age) {
            ++children;
            youngest = std::max(youngest, m.born);
        }
    }
    std::vector<profile> out;
    for (auto& m : members) {
        if (m.parent && children > 0) m.children = children, m.youngest = youngest;
        out.push_back(make(h, m, first_index + static_cast<std::int64_t>(out.size()), r));
    }
    return out;
}

profile synthetic_residents::make(const home& h, const member& m, std::int64_t index,
                                  random_stream& r) const {
    static constexpr const char* given[] = {"晨", "宇", "欣", "怡", "浩", "然", "子", "涵", "嘉",
                                            "琪", "俊", "杰", "雨", "婷", "志", "强", "丽", "华",
                                            "建", "国", "秀", "英", "明", "芳", "伟", "敏", "静",
                                            "磊", "洋", "艳", "勇", "娟", "涛", "霞", "平", "玲"};
    profile p;
    p.type = subject_type::resident;
    auto digits = std::to_string(index + 1);
    p.id = "R" + std::string(17 - digits.size(), '0') + digits;
    const bool born_here = m.male || !m.parent;
    p.name = std::string(synthetic_mark) + (born_here ? h.surname : h.other_surname) + given[r.below(36)];
    if (r.chance(0.75)) p.name += given[r.below(36)];
    p.origin = synthetic_origin;
    p.as_of = day_ - static_cast<std::int32_t>(r.between(0, 60));
    const auto put = [&](int attribute, std::int64_t value, double missing) {
        if (!r.chance(missing)) p.attributes.set(attribute, value);
    };
    put(at_.birth_date, m.born, 0.01);
    put(at_.sex, sexes_[m.male ? 0 : 1], 0.01);
    put(at_.hukou_division, h.hukou, 0.05);
    put(at_.residence_division, r.chance(0.06) ? h.village / 1000 : h.village, 0.03);
    put(at_.household_size, static_cast<std::int64_t>(h.size), 0.15);
    if (m.age >= 20) {
        put(at_.children, m.children, 0.2);
        if (m.children > 0) put(at_.youngest_child_birth, m.youngest, 0.2);
    }
    add_school(p, m, r);
    add_work(p, h, m, r);
    put(at_.disability, r.chance(m.age < 60 ? 0.015 : 0.06) ? 1 : 0, 0.1);
    put(at_.low_income, r.chance(0.018) ? 1 : 0, 0.12);
    if (m.age >= 20) put(at_.rents_market_housing, h.rents ? 1 : 0, 0.35);
    add_resident_contacts(p, index, m.age, r);
    return p;
}

// Census 2020: of all residents 33.9 % college and above, 19.0 % senior secondary, 28.9 % junior, 11.9 %
// primary; the younger the adults, the longer at school.
void synthetic_residents::add_school(profile& p, const member& m, random_stream& r) const {
    static const weighted young{2, 20, 11, 7, 23, 29, 7.2, 0.8}, middle{7, 38, 15, 7, 16, 14, 2.7, 0.3},
        old{27, 42, 13, 6, 7, 4.6, 0.4, 0};
    if (m.age < 6) return;
    std::size_t level = primary;
    if (m.age >= 22)
        level = (m.age < 40 ? young : m.age < 60 ? middle : old).pick(r);
    else if (m.age >= 18)
        level = r.chance(0.6) ? senior : r.chance(0.5) ? vocational : junior;
    else if (m.age >= 15)
        level = junior;
    if (!r.chance(0.1)) p.attributes.set(at_.education, educations_[level]);
    if (level < college || m.age > 45) return;
    const int finished = level == college ? 21 : level == bachelor ? 22 : level == master ? 25 : 28;
    if (m.age < finished || r.chance(0.3)) return;
    std::int32_t june = 0;
    const int born = std::stoi(format_date(m.born).substr(0, 4));
    if (parse_date(std::to_string(born + finished) + "-06-30", june) && june <= day_)
        p.attributes.set(at_.graduation_date, june);
}

void synthetic_residents::add_work(profile& p, const home& h, const member& m, random_stream& r) const {
    const auto put = [&](int attribute, std::int64_t value, double missing) {
        if (!r.chance(missing)) p.attributes.set(attribute, value);
    };
    if (m.age < 6) return;
    static const weighted adults{730, 120, 35, 85, 10, 20};
    std::size_t is = student;
    const int leaves = m.male ? 60 : 53;
    if (m.age >= leaves)
        is = r.chance(m.age >= 60 ? 0.94 : 0.6) ? retired : adults.pick(r);
    else if (m.age >= 23 || (m.age >= 16 && r.chance(m.age < 18 ? 0.05 : 0.35)))
        is = adults.pick(r);
    else if (m.age >= 21 && r.chance(0.6))
        is = final_year;
    if (h.from_outside && is == protected_leave) is = employed; // 协保 is Shanghai's own
    put(at_.employment, employments_[is], 0.12);
    const bool works = is == employed || is == freelance;
    if (m.age >= 18 && m.age < 65) {
        static const weighted levels{30, 33, 26, 8, 3};
        if (r.chance(works ? 0.14 : 0.05)) put(at_.certificate_level, certificates_[levels.pick(r)], 0);
        put(at_.insured_division,
            works && r.chance(0.85) ? places_->baoshan
            : h.from_outside        ? h.hukou
                                    : places_->other_district(r),
            0.25);
    }
    if (works) put(at_.housing_fund, r.chance(is == employed ? 0.7 : 0.1) ? 1 : 0, 0.2);
    if (m.age < 18) return;
    const bool served = r.chance(m.male ? 0.035 : 0.003) && m.age >= 20;
    put(at_.veteran, served ? 1 : 0, 0.05);
    if (served)
        put(at_.discharge_date,
            m.born +
                static_cast<std::int32_t>(365.25 * static_cast<double>(r.between(20, std::min(m.age, 26)))) -
                200,
            0.1);
}

} // namespace zhida::profiles
