#include "output/bundle/bag_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "output/bundle/manifest.h"

namespace echoscan {
namespace {

using Kind = BagFinding::Kind;

constexpr std::size_t kTagBytesMax = std::size_t{16} << 20;
constexpr std::string_view kPayload = "data/";

class Check {
 public:
  Check(const BagFolder& bag, std::vector<BagFile> files) : bag_(bag), files_(std::move(files)) {}

  BagCheck run() {
    for (const BagFile& file : files_) {
      if (!file.kind.empty())
        add(Kind::refused, file.path, fmt::format("is {}, and no bundle has one", file.kind));
      if (!file.path.starts_with(kPayload)) continue;
      check_.totals.bytes += file.bytes;
      ++check_.totals.files;
    }
    check_manifest(kTagManifest, false);
    check_manifest(kManifest, true);
    check_declaration();
    check_listed();
    check_oxum();
    return std::move(check_);
  }

 private:
  void add(Kind kind, std::string_view file, std::string what) {
    check_.findings.push_back({kind, std::string(file), std::move(what)});
  }

  [[nodiscard]] const BagFile* find(std::string_view path) const {
    const auto file = std::ranges::lower_bound(
        files_, path, {}, [](const BagFile& each) { return std::string_view(each.path); });
    return file != files_.end() && file->path == path ? &*file : nullptr;
  }

  // A tag file's text; nullopt, and a finding, where there is none.
  std::optional<std::string> tag_text(const char* name) {
    const BagFile* file = find(name);
    if (file == nullptr) {
      // Where a manifest lists it, that has been told.
      if (!listed_.contains(name)) add(Kind::missing, name, "is not there");
      return std::nullopt;
    }
    if (!file->kind.empty()) return std::nullopt;
    tl::expected<std::string, std::string> text = bag_.text(name, kTagBytesMax);
    if (text) return std::move(*text);
    add(Kind::refused, name, fmt::format("cannot be read: {}", text.error()));
    return std::nullopt;
  }

  void check_declaration() {
    if (const std::optional<std::string> text = tag_text(kBagDeclaration);
        text && *text != kBagDeclarationText)
      add(Kind::wrong, kBagDeclaration, "does not say that this is a bag of version 1.0 in UTF-8");
  }

  void check_manifest(const char* name, bool is_of_payload) {
    const std::optional<std::string> text = tag_text(name);
    if (!text) return;
    std::string_view rest = *text;
    for (std::size_t number = 1; !rest.empty(); ++number) {
      const std::size_t end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
      const tl::expected<ManifestLine, std::string> parsed =
          end == rest.npos ? tl::make_unexpected("it does not end") : parse_manifest_line(line);
      if (!parsed) {
        add(Kind::refused, name, fmt::format("line {}: {}", number, parsed.error()));
      } else if (parsed->path.starts_with(kPayload) != is_of_payload) {
        add(Kind::refused, name,
            fmt::format("line {}: '{}' does not belong into this manifest", number, parsed->path));
      } else if (!listed_.insert(parsed->path).second) {
        add(Kind::refused, name, fmt::format("line {}: '{}' stands twice", number, parsed->path));
      } else {
        check_file(*parsed, name);
      }
    }
  }

  void check_file(const ManifestLine& line, const char* manifest) {
    const BagFile* file = find(line.path);
    if (file == nullptr)
      return add(Kind::missing, line.path, fmt::format("is not there, and {} lists it", manifest));
    if (!file->kind.empty()) return;
    const tl::expected<FileDigest, std::string> digest =
        bag_.digest(line.path, [] { return true; });
    if (!digest)
      return add(Kind::refused, line.path, fmt::format("cannot be read: {}", digest.error()));
    if (digest->digest != line.digest)
      add(Kind::changed, line.path, fmt::format("is not what {} says", manifest));
  }

  void check_listed() {
    for (const BagFile& file : files_) {
      if (file.path == kTagManifest || listed_.contains(file.path)) continue;
      if (file.path.starts_with(kPayload)) {
        add(Kind::extra, file.path, fmt::format("is not in {}", kManifest));
      } else {
        add(Kind::unlisted, file.path, fmt::format("is not in {}", kTagManifest));
      }
    }
  }

  void check_oxum() {
    const std::optional<std::string> text = tag_text(kBagInfo);
    if (!text) return;
    const std::optional<std::string> oxum = find_bag_info(*text, "Payload-Oxum");
    if (!oxum || *oxum != payload_oxum(check_.totals))
      add(Kind::wrong, kBagInfo,
          fmt::format("says '{}' of the payload's bytes and files, which are {}",
                      oxum.value_or("nothing"), payload_oxum(check_.totals)));
  }

  const BagFolder& bag_;
  std::vector<BagFile> files_;
  std::set<std::string> listed_;
  BagCheck check_;
};

}  // namespace

std::string_view name_of(BagFinding::Kind kind) {
  switch (kind) {
    case Kind::changed:
      return "changed";
    case Kind::missing:
      return "missing";
    case Kind::extra:
      return "extra";
    case Kind::unlisted:
      return "unlisted";
    case Kind::refused:
      return "refused";
    case Kind::wrong:
      break;
  }
  return "wrong";
}

tl::expected<BagCheck, std::string> check_bag(const BagFolder& bag) {
  tl::expected<std::vector<BagFile>, std::string> files = bag.list();
  if (!files) return tl::make_unexpected(std::move(files.error()));
  const auto is_of_bags = [](const BagFile& file) {
    return file.path == kBagDeclaration || file.path == kManifest || file.path == kTagManifest;
  };
  if (std::ranges::none_of(*files, is_of_bags))
    return tl::make_unexpected(
        fmt::format("there is neither a {} nor a manifest in it", kBagDeclaration));
  return Check(bag, std::move(*files)).run();
}

}  // namespace echoscan
