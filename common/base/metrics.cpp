#include "common/base/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace zhida {

metrics::metrics() : registry_(std::make_shared<prometheus::Registry>()) {}

prometheus::Counter& metrics::counter(const std::string& name, const std::string& help,
                                      const metric_labels& labels) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(*registry_).Add(labels);
}

prometheus::Gauge& metrics::gauge(const std::string& name, const std::string& help,
                                  const metric_labels& labels) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(*registry_).Add(labels);
}

prometheus::Histogram& metrics::histogram(const std::string& name, const std::string& help,
                                          const metric_labels& labels, const std::vector<double>& bounds) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(*registry_).Add(labels, bounds);
}

std::string metrics::text() const {
    return prometheus::TextSerializer().Serialize(registry_->Collect());
}

} // namespace zhida
