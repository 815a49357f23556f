// The ways of a running scan's targets, asked of the kernel again when it tells of changes.
//
// A way that the scan knows, by its gateway and source, keeps its number; a gateway that is new on
// an interface where the scan sends, or one that stands by, gets the next one, once the kernel has
// its MAC. What would need yet another interface or source cannot be opened while the scan runs,
// and is an obstacle. A further interface whose link is down has no ways. Asking runs in a thread
// of its own.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "scanner/network/route_news.h"
#include "scanner/network/way_partition.h"
#include "scanner/options/path_config.h"
#include "scanner/path/network_path.h"
#include "scanner/transmit/way_survey.h"
#include "targets/label_map.h"

namespace echoscan {

class KernelWaySurvey : public WaySurvey {
 public:
  // Gives the ways of all targets, as the plan did; in another thread. May throw.
  using FindWays = std::function<std::vector<WayShare>(const PathConfig&)>;

  // From now on changes are known, also those since the plan was made: construct it, and ask,
  // before the first probe. `planned` are the plan's ways with `ways` as their map, and the path's
  // exits belong to them. Throws std::system_error.
  KernelWaySurvey(const PathConfig& config, NetworkPath path, std::vector<WayShare> planned,
                  const LabelMap& ways, FindWays find_ways);

  bool has_news() override;
  void ask() override;
  std::optional<WayChange> answer() override;
  void accept() override;

 private:
  // Ways by their labels, from 1 on, and the labels by address.
  struct State {
    NetworkPath path;  // with an exit for each of the ways
    std::vector<WayShare> ways;
    std::shared_ptr<const LabelMap> map;
  };
  struct Answer {
    WayChange change;
    State state;
  };

  Answer find_change() const;
  // The label of that way, which is a new one where it is not known.
  LabelId label_of(const WayShare& share, State& state, WayChange& change) const;
  Exit open_exit(const WayShare& share, State& state, WayChange& change) const;
  // The exit by what is opened; or why there is none, as a clause.
  tl::expected<Exit, std::string> find_opened_exit(const WayShare& share, NetworkPath& path) const;

  PathConfig config_;
  FindWays find_ways_;
  RouteNews news_;
  State state_;
  State asked_;
  std::future<Answer> asking_;
};

}  // namespace echoscan
