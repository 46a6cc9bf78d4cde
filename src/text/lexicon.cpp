#include "text/lexicon.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "core/str.h"

namespace reasonbrain::text {
namespace {

using WordSet = std::set<std::string, std::less<>>;

WordSet words(const char* text) {
  WordSet set;
  for (std::string& word : split(text, ' ')) {
    if (!word.empty()) set.insert(std::move(word));
  }
  return set;
}

bool is_in(const WordSet& set, std::string_view word) {
  return set.find(word) != set.end();
}

bool is_digits(std::string_view word) {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c); });
}

// "stays" -> "stay", "tries" -> "try", "pushes" -> "push".
std::string without_s(std::string_view word) {
  if (word.size() > 4 && ends_with(word, "ies"))
    return std::string(word.substr(0, word.size() - 3)) + "y";
  for (std::string_view end : {"ches", "shes", "sses", "xes", "zes", "oes"}) {
    if (ends_with(word, end)) return std::string(word.substr(0, word.size() - 2));
  }
  return std::string(word.substr(0, word.size() - 1));
}

const WordSet& distinguishing() {
  static const WordSet set = words(
      "red orange yellow green teal blue purple pink black white brown grey gray golden silver "
      "cyan "
      "magenta violet beige turquoise left right middle leftmost rightmost upper lower top bottom "
      "first second third last nearest farthest biggest largest smallest tallest shortest bigger "
      "larger smaller taller shorter");
  return set;
}

}  // namespace

bool is_determiner(std::string_view word) {
  static const WordSet set = words(
      "the a an this that these those every each all both some any no another other his her its "
      "their my your our whose one two three four five six seven eight nine ten eleven twelve "
      "twenty "
      "thirty forty fifty sixty hundred thousand several many few more most half only");
  return is_in(set, word) || is_digits(word);
}

bool is_definite(std::string_view word) {
  static const WordSet set = words("the this that these those both");
  return is_in(set, word);
}

bool is_auxiliary(std::string_view word) {
  static const WordSet set = words(
      "am is are was were be been being isn't aren't wasn't weren't have has had having hadn't "
      "do does did doesn't don't didn't would will shall should could can may might must wouldn't "
      "won't couldn't can't shouldn't 'd 'll 've");
  return is_in(set, word);
}

bool is_pronoun(std::string_view word) {
  static const WordSet set = words(
      "i you he she it we they me him us them myself yourself himself herself itself themselves "
      "someone somebody anyone anybody everyone everybody nobody something anything everything "
      "nothing who whom what which there here mine yours hers theirs");
  return is_in(set, word);
}

bool is_function_word(std::string_view word) {
  static const WordSet set = words(
      "about above across after against ago along alongside amid among and apart around as at away "
      "because before behind below beneath beside besides between beyond but by despite down "
      "during "
      "earlier either else even except far for forth forward forwards backward backwards from "
      "hence "
      "how however if in indoors inside instead into just later like long longer maybe meanwhile "
      "much "
      "near neatly neither never next nor not now of off often on once onto or out outdoors "
      "outside "
      "over overnight past per perhaps quite rather round roughly since so still suddenly than "
      "then "
      "though through throughout till to today together tomorrow tonight too toward towards twice "
      "under underneath unless until up upon upside very via well when whenever where wherever "
      "whether while why with within without yet yesterday again ahead almost alone already also "
      "always anyway ever fully gently slowly please let's imagine suppose supposing assuming "
      "assume "
      "picture consider hypothetically what's how's 's '");
  return is_in(set, word) || is_auxiliary(word) || is_pronoun(word);
}

bool is_past_form(std::string_view word) {
  static const WordSet irregular = words(
      "blew blown let left stood went gone came fell fallen broke broken grew grown took taken "
      "gave "
      "given made put set cut hit shut kept held told found lost built sent spent bent lent slept "
      "swept crept wept met fed led bled read ran sat lay laid lain rose risen rang rung sang sung "
      "drank drunk swam swum began begun threw thrown flew flown drew drawn knew known saw seen "
      "ate "
      "eaten froze frozen spoke spoken woke woken chose chosen drove driven rode ridden wrote "
      "written "
      "hid hidden bit bitten shook shaken tore torn wore worn bore born swung hung clung stuck "
      "struck "
      "dug spun won shot shone burnt burst spilt split spread sprang sprung sank sunk stole stolen "
      "slid lit sold bought brought caught taught thought fought felt dealt became become got "
      "gotten "
      "did done forgot forgotten said heard overheard withdrew withdrawn swelled "
      "foresaw spat wept dove lost flung strode leapt knelt sought shrank shrunk paid upset");
  static const WordSet nouns = words(
      "bed seed shed weed sled reed breed speed feed deed need creed steed ring king string swing "
      "wing thing spring ceiling building painting clothing evening morning railing pudding "
      "wedding "
      "sibling duckling gosling dumpling darling icing lightning sapling wiring crossing landing "
      "swimming-ring hundred biped moped");
  if (is_in(nouns, word)) return false;
  if (ends_with(word, "s") && is_in(nouns, word.substr(0, word.size() - 1))) return false;
  return is_in(irregular, word) || (word.size() >= 4 && ends_with(word, "ed")) ||
         (word.size() >= 5 && ends_with(word, "ing"));
}

bool is_base_verb(std::string_view word) {
  static const WordSet set = words(
      "add allow appear apply arrive ask attack become begin bend bite bloom blow boil bounce "
      "break "
      "bring build burn burst bury buy call carry catch change chase choose clean climb close "
      "collapse "
      "come continue cover crash crawl create cross crumble cry dance decay decide die dig "
      "disappear "
      "dissolve drain draw drift drink drive drop drown dry eat empty end enter erupt escape "
      "evaporate "
      "exchange expand explode fade fall feed feel fight fill find finish flee flip float flow fly "
      "fold "
      "follow forget freeze gather get give go grab grow hang happen hatch have hear heat help "
      "hide hit "
      "hold hunt ignite increase inflate jump keep kick knock land last laugh lean leap learn "
      "leave lend "
      "let lie lift live lose make melt meet migrate miss mix move nudge open overflow pass pay "
      "pick "
      "plug pop pour press pull push put raise reach read remain remove replace reply rest reverse "
      "ring "
      "rise roll rot ruin run rush rust say scatter see sell send separate set shake shatter shift "
      "shine "
      "shoot show shrink shut sing sink sit sleep slide slip smell smile sneeze spill spin split "
      "spoil spread "
      "sprout stack stand start stay steal step stick stop strike surround survive swap sweep swim "
      "switch take talk taste tear tell think thaw throw tilt tip topple touch trade transform "
      "travel "
      "try turn unscrew untie vanish visit wait wake walk want wash wear whistle wilt win wither "
      "work "
      "write look wish use squeeze wobble");
  if (is_in(set, word)) return true;
  return word.size() > 3 && ends_with(word, "s") && !ends_with(word, "ss") &&
         is_in(set, without_s(word));
}

bool is_distinguishing(std::string_view word) {
  return is_in(distinguishing(), word);
}

bool is_adjective(std::string_view word) {
  static const WordSet set = words(
      "big small large little tiny huge giant tall short long wide narrow thick thin heavy light "
      "old "
      "young new fresh hot cold warm cool mild wet dry full empty flat round square open closed "
      "lit "
      "dark bright pale clean dirty smooth rough soft hard sharp strong weak fast slow ripe raw "
      "dead "
      "alive wooden metal plastic stone glass paper straw brick wax rubber steel iron copper "
      "leather "
      "striped spotted beautiful ugly pretty poor rich hungry thirsty sleepy tired angry happy sad "
      "lonely quiet calm loud sunny rainy snowy cloudy windy stormy nearby entire whole single "
      "separate different deep shallow high low clear busy crowded abandoned broken frozen burning "
      "boiling running sleeping standing hanging floating flying");
  return is_distinguishing(word) || is_in(set, word) || is_filler_adjective(word);
}

bool is_filler_adjective(std::string_view word) {
  static const WordSet set = words("same whole entire very own next only single such other");
  return is_in(set, word);
}

bool is_quantity(std::string_view word) {
  static const WordSet set = words(
      "pile pair bunch group couple lot lots number handful row piece pieces set stack heap bit "
      "kind "
      "sort flock herd crowd");
  return is_in(set, word);
}

bool is_control(std::string_view word) {
  static const WordSet set = words("switch button lever knob handle pedal trigger remote");
  return is_in(set, singular(word));
}

bool is_time_noun(std::string_view word) {
  static const WordSet set = words(
      "second minute hour day week month year decade century moment instant time morning noon "
      "afternoon evening night midnight dawn dusk sunrise sunset daytime nighttime weekend season "
      "winter summer autumn monday tuesday wednesday thursday friday saturday sunday january "
      "february "
      "april june july august september october november december christmas future past present");
  return is_in(set, singular(word));
}

bool is_vague_noun(std::string_view word) {
  static const WordSet set = words(
      "picture image photo photograph scene drawing view place story side end way thing front back "
      "top bottom middle center centre inside outside left right rest might force event situation "
      "order place direction distance height size total beginning start result accident chance "
      "degree meter metre kilometer mile inch temperature case help use help sight addition "
      "purpose "
      "nudge fall push blow drop kick");
  return is_in(set, singular(word)) || is_in(set, word);
}

bool is_giving_verb(std::string_view word) {
  static const WordSet set = words("give gives gave given lend lends lent hand handed pass passed");
  return is_in(set, word);
}

std::string singular(std::string_view word) {
  static const std::map<std::string, std::string, std::less<>> irregular = {
      {"men", "man"},         {"women", "woman"},     {"children", "child"}, {"people", "person"},
      {"mice", "mouse"},      {"feet", "foot"},       {"teeth", "tooth"},    {"geese", "goose"},
      {"leaves", "leaf"},     {"wolves", "wolf"},     {"knives", "knife"},   {"shelves", "shelf"},
      {"loaves", "loaf"},     {"halves", "half"},     {"calves", "calf"},    {"scarves", "scarf"},
      {"snowmen", "snowman"}, {"firemen", "fireman"}, {"bus", "bus"},        {"lens", "lens"}};
  const auto found = irregular.find(word);
  if (found != irregular.end()) return found->second;
  const bool plural = word.size() > 3 && ends_with(word, "s") && !ends_with(word, "ss") &&
                      !ends_with(word, "us") && !ends_with(word, "is");
  return plural ? without_s(word) : std::string(word);
}

}  // namespace reasonbrain::text
