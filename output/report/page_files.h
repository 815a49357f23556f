// What a report's page is made of and what the build has put into the program: the page itself, its
// style, its script, and the two libraries that draw its charts and its map.
//
// They are in the program, so that a report needs no file beside it, neither to be made nor to be
// read. Rejected: links to a server of scripts, which would tell it who reads which report.
#pragma once

#include <string_view>

namespace echoscan {

struct PageFiles {
  std::string_view page_html;  // a Mustache template
  std::string_view page_css;
  std::string_view page_js;
  std::string_view licences;  // of the libraries
  std::string_view chart_js;
  std::string_view leaflet_js;
  std::string_view leaflet_css;
};

PageFiles page_files();

}  // namespace echoscan
