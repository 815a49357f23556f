#include "output/bundle/bag_seal.h"

#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "output/bundle/bag_folder.h"
#include "output/bundle/manifest.h"
#include "output/bundle/sha256.h"
#include "output/sink/output_file.h"

namespace echoscan {

std::string payload_oxum(const BagTotals& totals) {
  return fmt::format("{}.{}", totals.bytes, totals.files);
}

tl::expected<BagTotals, std::string> seal_bag(const std::string& folder, BagInfo info,
                                              const std::function<bool()>& goes_on) {
  const tl::expected<BagFolder, std::string> bag = BagFolder::open(folder);
  if (!bag) return tl::make_unexpected(fmt::format("cannot open '{}': {}", folder, bag.error()));
  const tl::expected<std::vector<BagFile>, std::string> files = bag->list();
  if (!files)
    return tl::make_unexpected(fmt::format("cannot list '{}': {}", folder, files.error()));
  BagTotals totals;
  std::string manifest;
  for (const BagFile& file : *files) {
    // Nothing else may be there: what nobody has listed would be an addition.
    if (!file.path.starts_with("data/") || !why_unsafe(file.path).empty())
      return tl::make_unexpected(fmt::format("'{}' in '{}' is not the scan's", file.path, folder));
    const tl::expected<FileDigest, std::string> digest = bag->digest(file.path, goes_on);
    if (!digest)
      return tl::make_unexpected(fmt::format("cannot read '{}': {}", file.path, digest.error()));
    manifest += manifest_line({digest->digest, file.path});
    totals.bytes += digest->bytes;
    ++totals.files;
  }
  info.add("Payload-Oxum", payload_oxum(totals));
  const std::pair<const char*, std::string> tags[] = {
      {kBagInfo, info.text()}, {kBagDeclaration, kBagDeclarationText}, {kManifest, manifest}};
  std::string tag_manifest;
  for (const auto& [name, text] : tags) {
    if (std::string why =
            replace_file(fmt::format("{}/{}", folder, name), text, OutputMode::document);
        !why.empty())
      return tl::make_unexpected(std::move(why));
    tag_manifest += manifest_line({sha256_of(text), name});
  }
  // The last one: with it the bag is whole.
  if (std::string why = replace_file(fmt::format("{}/{}", folder, kTagManifest), tag_manifest,
                                     OutputMode::document);
      !why.empty())
    return tl::make_unexpected(std::move(why));
  if (const int error = bag->sync(); error != 0)
    return tl::make_unexpected(
        fmt::format("cannot bring '{}' to the disk: {}", folder, std::strerror(error)));
  return totals;
}

}  // namespace echoscan
