#include "output/report/report_page.h"

#include <fmt/format.h>
#include <kainjow/mustache.hpp>

#include <array>

#include "output/bundle/sha256.h"
#include "output/report/map_image.h"
#include "output/report/page_figures.h"
#include "output/report/page_files.h"
#include "output/report/page_planes.h"
#include "output/report/page_text.h"
#include "output/summary/figure_text.h"

namespace echoscan {
namespace {

namespace mustache = kainjow::mustache;
using Object = mustache::data;

constexpr std::array kPrefixLengths = {24U, 20U, 16U};
// The still picture's cells along an edge, at most.
constexpr unsigned kStillOrderMax = 9;

Object object_of(const PageFields& fields) {
  Object object;
  for (const auto& [name, value] : fields) object.set(name, value);
  return object;
}

void set_rows(Object& page, const std::string& name, const std::vector<PageFields>& rows) {
  Object list(Object::type::list);
  for (const PageFields& row : rows) list << object_of(row);
  page.set(name, list);
  page.set("has_" + name, !rows.empty());
}

void set_sentences(Object& page, const std::string& name,
                   const std::vector<std::string>& sentences) {
  std::vector<PageFields> rows;
  rows.reserve(sentences.size());
  for (const std::string& sentence : sentences) rows.push_back({{"text", sentence}});
  set_rows(page, name, rows);
}

std::string interval_text(const PageGroup::Row& row) {
  if (row.asked == 0) return "";
  if (!row.interval) return "too few";
  if (row.interval->low == row.interval->high) return "all asked";
  return fmt::format("{:.2f} % to {:.2f} %", 100 * row.interval->low, 100 * row.interval->high);
}

Object group_object(const PageGroup& group, const std::string& why_unknown) {
  Object rows(Object::type::list);
  for (std::size_t i = 0; i < std::min(group.rows.size(), PageGroup::kRowsShown); ++i) {
    const PageGroup::Row& row = group.rows[i];
    rows << object_of(
        {{"name", row.name},
         {"asked", row.asked > 0 ? with_thousands(row.asked) : ""},
         {"answered", with_thousands(row.answered)},
         {"share", row.asked > 0 ? fmt::format("{:.2f} %", percent(row.answered, row.asked)) : ""},
         {"interval", interval_text(row)},
         {"rtt", row.rtt_p50_us ? duration_text(static_cast<std::uint64_t>(*row.rtt_p50_us * 1000))
                                : ""}});
  }
  const bool is_asked_known = !group.rows.empty() && group.rows.front().asked > 0;
  const std::size_t shown = std::min(group.rows.size(), PageGroup::kRowsShown);
  const std::size_t drawn = std::min(group.rows.size(), PageGroup::kRowsDrawn);
  Object object = object_of(
      {{"key", group.key},
       {"name", group.name},
       {"count", with_thousands(group.rows.size())},
       {"chart_height", fmt::format("{}", is_asked_known ? 90 + 22 * drawn : 0)},
       {"caption", fmt::format("{} of {}, most asked first", with_thousands(shown),
                               with_thousands(group.row_count))},
       {"explanation",
        is_asked_known
            ? "A point is the share of those asked that answered, a bar its interval at 95 %; a "
              "ring "
              "without a bar had fewer than 30 asked, which says nothing."
            : fmt::format("How many were asked of each is not known, as {}.", why_unknown)}});
  object.set("rows", rows);
  return object;
}

std::string sha256_base64(std::string_view text) {
  Sha256 hash;
  hash.add(text);
  return base64(hash.digest_bytes());
}

// Nothing may be fetched; the scripts and styles that may run are these, by their digests.
std::string policy(const PageFiles& files) {
  std::string scripts;
  for (const std::string_view script : {files.chart_js, files.leaflet_js, files.page_js})
    scripts += fmt::format(" 'sha256-{}'", sha256_base64(script));
  std::string styles;
  for (const std::string_view style : {files.leaflet_css, files.page_css})
    styles += fmt::format(" 'sha256-{}'", sha256_base64(style));
  return fmt::format(
      "default-src 'none'; script-src{}; style-src{}; img-src data:; base-uri 'none'; form-action "
      "'none'",
      scripts, styles);
}

std::string map_sentence(const ReplyMap& map, const std::string& why_unknown) {
  const std::string cell = fmt::format("A cell is a /{}. ", map.prefix_length);
  return cell +
         (map.knows_asked
              ? "Cells that were not asked have no colour, those that were and are silent are grey."
              : fmt::format(
                    "Nobody knows which networks were asked, as {}: what has no colour may be "
                    "silent or not asked.",
                    why_unknown));
}

void set_map(Object& page, const ReportContent& content, const ReplyMap& map,
             const std::string& png) {
  const MapSquare square = square_of(map);
  page.set("map_text", map_sentence(map, content.why_unknown));
  page.set("map_prefix", fmt::format("{}/{}", to_string(square.first), square.prefix_length));
  page.set("map_png", png);
  page.set("orientation",
           fmt::format(
               "The map follows the Hilbert curve: neighbours in number are neighbours here, and "
               "each aligned block is a square. Of all IPv4, 0.0.0.0 is at the top left and "
               "255.255.255.255 at the {} (xkcd 195{}).",
               content.is_transposed ? "bottom left" : "top right",
               content.is_transposed ? ", transposed" : ""));
  page.set("density_text",
           "Of each /24 that answered at all, how many of its addresses did. The scale of "
           "networks is logarithmic.");
}

// The page as a whole, with this map.
std::string render(const ReportContent& content, const ReplyMap& map, const std::string& png,
                   const PageText& text, const std::vector<PageGroup>& groups) {
  const PageFiles files = page_files();
  Object page = object_of(text.fields);
  page.set("title", content.title);
  page.set("version", content.summary.version);
  page.set("policy", policy(files));
  for (const auto& [name, sentences] :
       {std::pair{"warnings", &text.warnings}, std::pair{"answers", &text.answers},
        std::pair{"losses", &text.losses}, std::pair{"method", &text.method}})
    set_sentences(page, name, *sentences);
  for (const auto& [name, rows] :
       {std::pair{"ledger", &text.ledger}, std::pair{"passes", &text.passes},
        std::pair{"histories", &text.histories}, std::pair{"errors", &text.errors},
        std::pair{"repeaters", &text.repeaters}, std::pair{"events", &text.events},
        std::pair{"provenance", &text.provenance}})
    set_rows(page, name, *rows);
  Object list(Object::type::list);
  for (const PageGroup& group : groups) list << group_object(group, content.why_unknown);
  page.set("groups", list);
  set_map(page, content, map, base64(png));
  page.set("figures", page_figures(content, map, groups));
  page.set("planes", packed_cells(map));
  page.set("licences", std::string(files.licences));
  page.set("page_css", std::string(files.page_css));
  page.set("page_js", std::string(files.page_js));
  page.set("chart_js", std::string(files.chart_js));
  page.set("leaflet_js", std::string(files.leaflet_js));
  page.set("leaflet_css", std::string(files.leaflet_css));
  mustache::mustache page_template{std::string(files.page_html)};
  return page_template.render(page);
}

// The map with so coarse cells that a picture of 512 pixels has one for each.
ReplyMap still_map(const ReplyMap& map) {
  const unsigned prefix_length =
      std::min(map.prefix_length, square_of(map).prefix_length + 2 * kStillOrderMax);
  return coarser(map, prefix_length);
}

}  // namespace

tl::expected<ReportPage, std::string> report_page(const ReportContent& content,
                                                  std::uint64_t budget_bytes) {
  const PageText text = page_text(content);
  const std::vector<PageGroup> groups = page_groups(content);
  const tl::expected<std::string, std::string> png =
      map_image(still_map(content.map), {MapLayer::rate, content.is_transposed, 512});
  if (!png) return tl::make_unexpected("the still map cannot be made: " + png.error());
  ReportPage page;
  for (const unsigned prefix_length : kPrefixLengths) {
    const bool is_whole = prefix_length == content.map.prefix_length;
    page = {render(content, is_whole ? content.map : coarser(content.map, prefix_length), *png,
                   text, groups),
            prefix_length};
    if (page.html.size() <= budget_bytes) return page;
  }
  return tl::make_unexpected(fmt::format(
      "with cells of /{} the report still has {} bytes, and {} are allowed", page.map_prefix_length,
      with_thousands(page.html.size()), with_thousands(budget_bytes)));
}

}  // namespace echoscan
