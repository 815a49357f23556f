// The bundle of a scan: a folder that is a BagIt bag, with all that somebody needs to check or to
// repeat it (docs/bundle.md).
//
// It is DIR.part until it is whole, so that whoever sees DIR sees all of it. Its folders are made
// before the sandbox and held open; what is written later is written in them alone. A scan that is
// refused before its first probe leaves nothing; one that fails later leaves DIR.part, and says so.
// Set-up throws; the end does not, since there are results by then.
#pragma once

#include <optional>
#include <string>

#include "output/bundle/bag_info.h"
#include "output/geo/geo_table.h"
#include "output/summary/summary.h"
#include "scanner/options/scan_config.h"
#include "scanner/plan/target_plan.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/process/log_copy.h"
#include "scanner/process/stop_signals.h"
#include "scanner/process/user_error.h"

namespace echoscan {

class Bundle {
 public:
  // From now on messages are kept for it; nothing is written yet.
  explicit Bundle(const ScanConfig& config);
  ~Bundle();
  Bundle(const Bundle&) = delete;
  Bundle& operator=(const Bundle&) = delete;

  // Makes the folder. Throws UserError where one is there already, or none can be made.
  void open();
  // Its name until it is whole; the results' file is below it.
  [[nodiscard]] const std::string& folder() const { return provisional_; }
  // Writes what is known before the first probe; `doctor`: what the doctor says, as JSON. Throws
  // UserError.
  void describe(const TargetPlan& plan, const std::string& doctor);
  // From here on what is found is worth keeping.
  void begin() { is_begun_ = true; }
  // Writes what the scan has come to, and gives the folder its name. `geo` is where addresses are;
  // `code` is how the scan ended, and is returned, unless the bundle is not whole: then it is
  // ExitCode::output.
  ExitCode finish(const TargetPlan& plan, const GeoTable& geo, const Summary& summary,
                  ExitCode code, const StopSignals& signals);

 private:
  // The results, counted by network and place.
  struct Counted;

  // In a bundle without addresses none, if one of them has an address in it.
  [[nodiscard]] const LabelMap& shown_labels(const TargetPlan& plan) const;
  // A sentence where it could not be written, else empty; as those of the next six.
  std::string write(const std::string& name, const std::string& text) const;
  std::string write_targets(const TargetPlan& plan) const;
  std::string complete(const TargetPlan& plan, const GeoTable& geo, const Summary& summary,
                       const StopSignals& signals);
  std::string count_results(const TargetPlan& plan, const GeoTable& geo, const Summary& summary,
                            Counted& counted) const;
  // Makes the table by /24 of the results, and removes these.
  std::string make_table(const Counted& counted) const;
  std::string write_report(const TargetPlan& plan, const Summary& summary,
                           const Counted& counted) const;
  std::string rename_folder() const;
  [[nodiscard]] BagInfo info(const TargetPlan& plan, const Summary& summary) const;
  [[nodiscard]] std::string path_of(const std::string& name) const;
  void remove() const;

  const ScanConfig& config_;
  std::string provisional_;
  std::string name_;         // of the bundle in its folder's folder
  FileDescriptor outer_;     // the folder that it gets its name in
  FileDescriptor folder_;    // it
  FileDescriptor payload_;   // its `data`
  FileDescriptor log_file_;  // closed behind the copy of the log
  LogCopy log_;
  bool is_begun_ = false;
};

// The bundle that the options ask for.
void emplace_bundle(std::optional<Bundle>& bundle, const ScanConfig& config);

}  // namespace echoscan
