//! The names of `\p{...}`: classes of letters, by sort and by script, of Unicode 15, which Go 1.26 has.

/// All letters, those that are there, and those of ASCII.
const ALL: &str = "any assigned ascii";
/// Sorts, short.
const SORTS: &str = "\
    c cc cf cn co cs l lc ll lm lo lt lu m mc me mn n nd nl no p pc pd pe pf pi po ps s sc sk sm so z zl zp zs";
/// Sorts, long.
const LONG_SORTS: &str = "\
    casedletter closepunctuation cntrl combiningmark connectorpunctuation control currencysymbol dashpunctuation \
    decimalnumber digit enclosingmark finalpunctuation format initialpunctuation letter letternumber lineseparator \
    lowercaseletter mark mathsymbol modifierletter modifiersymbol nonspacingmark number openpunctuation other \
    otherletter othernumber otherpunctuation othersymbol paragraphseparator privateuse punct punctuation separator \
    spaceseparator spacingmark surrogate symbol titlecaseletter unassigned uppercaseletter";
/// Scripts.
const SCRIPTS: &str = "\
    adlam ahom anatolianhieroglyphs arabic armenian avestan balinese bamum bassavah batak bengali bhaiksuki bopomofo \
    brahmi braille buginese buhid canadianaboriginal carian caucasianalbanian chakma cham cherokee chorasmian common \
    coptic cuneiform cypriot cyprominoan cyrillic deseret devanagari divesakuru dogra duployan egyptianhieroglyphs \
    elbasan elymaic ethiopic georgian glagolitic gothic grantha greek gujarati gunjalagondi gurmukhi han hangul \
    hanifirohingya hanunoo hatran hebrew hiragana imperialaramaic inherited inscriptionalpahlavi \
    inscriptionalparthian javanese kaithi kannada katakana kawi kayahli kharoshthi khitansmallscript khmer khojki \
    khudawadi lao latin lepcha limbu lineara linearb lisu lycian lydian mahajani makasar malayalam mandaic \
    manichaean marchen masaramgondi medefaidrin meeteimayek mendekikakui meroiticcursive meroitichieroglyphs miao \
    modi mongolian mro multani myanmar nabataean nagmundari nandinagari newa newtailue nko nushu \
    nyiakengpuachuehmong ogham olchiki oldhungarian olditalic oldnortharabian oldpermic oldpersian oldsogdian \
    oldsoutharabian oldturkic olduyghur oriya osage osmanya pahawhhmong palmyrene paucinhau phagspa phoenician \
    psalterpahlavi rejang runic samaritan saurashtra sharada shavian siddham signwriting sinhala sogdian sorasompeng \
    soyombo sundanese sylotinagri syriac tagalog tagbanwa taile taitham taiviet takri tamil tangsa tangut telugu \
    thaana thai tibetan tifinagh tirhuta toto ugaritic vai vithkuqi wancho warangciti yezidi yi zanabazarsquare";

/// Whether there is such a class. Only letters count, and large ones are small ones; names of several words are known,
/// too, which Go 1.26 by mistake does not find and Go 1.27 does.
pub(super) fn is_known(name: &str) -> bool {
    let letters = name.chars().filter(|letter| !matches!(letter, '_' | '-' | ' '));
    let name: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    let mut known = [ALL, SORTS, LONG_SORTS, SCRIPTS]
        .into_iter()
        .flat_map(|names| names.split(' '));
    known.any(|known| known == name)
}
