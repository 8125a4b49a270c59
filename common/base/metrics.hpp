// What Prometheus reads. Names begin with zhida_, counters end in _total, units are seconds and bytes; labels
// never carry ids (of subjects, policies, campaigns): their number would have no bound.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus { // NOLINTBEGIN(readability-identifier-naming): the library's names
class Registry;
class Counter;
class Gauge;
class Histogram;
} // namespace prometheus
// NOLINTEND(readability-identifier-naming)

namespace zhida {

using metric_labels = std::map<std::string, std::string>;

// The registry may be used by every role's thread; a reference that it returned stays good as long as it
// lives. Asking again with the same name and labels gives the same metric.
class metrics {
  public:
    metrics();
    prometheus::Counter& counter(const std::string& name, const std::string& help,
                                 const metric_labels& labels = {});
    prometheus::Gauge& gauge(const std::string& name, const std::string& help,
                             const metric_labels& labels = {});
    // bounds: upper bounds of the buckets, rising.
    prometheus::Histogram& histogram(const std::string& name, const std::string& help,
                                     const metric_labels& labels, const std::vector<double>& bounds);
    // The exposition format, version 0.0.4.
    std::string text() const;
    const std::shared_ptr<prometheus::Registry>& registry() const noexcept { return registry_; }

    static constexpr const char* content_type = "text/plain; version=0.0.4; charset=utf-8";

  private:
    std::shared_ptr<prometheus::Registry> registry_;
};

} // namespace zhida
