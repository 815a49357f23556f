#include "scanner/confinement.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "output/sink/file_place.h"
#include "scanner/process/log.h"

namespace echoscan {
namespace {

// What is opened once and for all (a FIFO, a device, a descriptor of the shell's) needs no folder.
void add_output(SandboxPlan& plan, const std::string& path) {
  if (path.empty() || path == "-") return;
  const tl::expected<FilePlace, std::string> place = find_place(path);
  if (!place || place->is_opened || (place->file && !S_ISREG(place->file->st_mode))) return;
  const auto is_foreign = [](const struct stat& status) { return status.st_uid != geteuid(); };
  if (is_foreign(place->folder_status) || (place->file && is_foreign(*place->file)))
    plan.has_foreign_files = true;
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::canonical(place->folder, error);
  const std::string folder = error ? place->folder : absolute.string();
  if (std::ranges::find(plan.folders, folder) == plan.folders.end()) plan.folders.push_back(folder);
}

// Why the user cannot write there, a clause; empty: they can.
std::string why_not_theirs(const ScanUser& user, const SandboxPlan& plan) {
  try {
    const ActingAs acting(user);
    std::optional<std::string> forbidden = find_forbidden(plan.folders);
    if (!forbidden && !plan.naming_folder.empty())
      forbidden = find_forbidden(std::span(&plan.naming_folder, 1));
    return forbidden ? fmt::format("may not write in '{}'", *forbidden) : "";
  } catch (const std::system_error& error) {
    return fmt::format("cannot be had ({})", error.code().message());
  }
}

}  // namespace

Confinement::Confinement(const ScanConfig& config)
    : is_off_(config.sandbox.is_off || config.path.method == Method::dpdk) {
  if (config.path.method == Method::dpdk && !config.sandbox.is_off)
    log_warning(
        "no sandbox with --method dpdk: the card's driver runs in this process, which stays as "
        "privileged as it was begun (docs/security.md)");
  const OutputConfig& output = config.output;
  for (const std::string& path : {output.path, output.summary_path, output.status_file})
    add_output(plan_, path);
  if (config.bundle.is_written())
    plan_.naming_folder = std::filesystem::path(config.bundle.folder).parent_path().string();
  const std::optional<ScanUser>& user = config.sandbox.user;
  if (is_off_ || !user || user->uid == geteuid()) return;
  const std::string why_not = config.sandbox.is_users_word ? "" : why_not_theirs(*user, plan_);
  if (why_not.empty()) {
    plan_.user = user;
  } else {
    log_info("the scan stays root's: {}, who has called sudo, {}; --user names another", user->name,
             why_not);
  }
}

std::string Confinement::user_clause() const {
  return plan_.user ? fmt::format(" (as user {}; --user names another)", plan_.user->name) : "";
}

void Confinement::add_folder(const std::string& folder) {
  plan_.folders.push_back(folder);
}

void Confinement::begin() const {
  if (!is_off_) enter_sandbox(plan_);
}

}  // namespace echoscan
