// Sums of the parts of summaries: counts are added, and what follows from them is settled behind
// the last one.
//
// A mean rate is the mean over the time of sending, so that it is that of one machine; where one of
// them sent as fast as it could, all did. A series is put where its scan began, in seconds of the
// first one's, and bins are as wide as the widest has them, or wider, so that there are as many as
// one scan may have. A count that one of the machines could not tell is unknown of all. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "output/summary/rtt_histogram.h"
#include "output/summary/summary.h"

namespace echoscan {

void add(Summary::Ledger& sum, const Summary::Ledger& ledger);
void add(Summary::Output& sum, const Summary::Output& output);
// All but the names.
Summary::Sending sum_sendings(std::span<const Summary::Sending> all);
// All but the series and `mode`; lists of addresses get longer.
void add(Summary::Receiving& sum, const Summary::Receiving& receiving);

// Behind the last one settle_loss() is called; without `is_comparable` there is none.
void add(Summary::PassAnswers& sum, const Summary::PassAnswers& answers);
void settle_loss(Summary::PassAnswers& sum, bool is_comparable);
void add_each(std::vector<std::uint64_t>& sums, const std::vector<std::uint64_t>& counts);

struct ShiftedSeries {
  std::uint64_t later_s = 0;
  Summary::TimeSeries series;
};
Summary::TimeSeries sum_series(std::span<const ShiftedSeries> all);

// Percentiles are those of `times`, if these are as many, else those of the histograms' bins.
Summary::Rtt sum_rtts(std::span<const Summary::Rtt> rtts, const RttHistogram& times);

}  // namespace echoscan
