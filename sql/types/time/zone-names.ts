/**
 * Short names of time zones, which the platform does not have outside of its own country: `CEST`, `JST`. They are the
 * initials of the long English name, but for those below.
 */

/** A long name without `Time`, and the short one. */
const exceptions: ReadonlyMap<string, string> = new Map(
  `
    Acre Standard ACT, Acre Summer ACST, Afghanistan AFT, Alaska Daylight AKDT, Alaska Standard AKST, Almaty
    Standard ALMT, Almaty Summer ALMST, Amazon Standard AMT, Amazon Summer AMST, American Samoa Standard SST, Anadyr
    Standard ANAT, Anadyr Summer ANAST, Aqtau Standard AQTT, Aqtau Summer AQTST, Aqtobe Standard AQTT, Aqtobe Summer
    AQTST, Argentina Standard ART, Argentina Summer ARST, Armenia Standard AMT, Armenia Summer AMST, Azerbaijan
    Standard AZT, Azerbaijan Summer AZST, Azores Standard AZOT, Azores Summer AZOST, Bangladesh Standard BDT,
    Bangladesh Summer BDST, Bhutan BTT, Bolivia BOT, Brasilia Standard BRT, Brasilia Summer BRST, Brunei BNT, Cape
    Verde Standard CVT, Casey AWST, Central European Standard CET, Central Indonesia WITA, Chamorro Standard ChST,
    Chatham Daylight CHADT, Chatham Standard CHAST, Chile Standard CLT, Chile Summer CLST, Christmas Island CXT,
    Chuuk CHUT, Cocos Islands CCT, Colombia Standard COT, Colombia Summer COST, Cook Islands Standard CKT, Cook
    Islands Summer CKHST, Coordinated Universal UTC, Davis DAVT, Dumont d’Urville DDUT, East Greenland Standard EGT,
    East Kazakhstan ALMT, Easter Island Standard EAST, Easter Island Summer EASST, Eastern European Standard EET,
    Eastern Indonesia WIT, Ecuador ECT, Falkland Islands Standard FKT, Falkland Islands Summer FKST, Fernando de
    Noronha Standard FNT, Fernando de Noronha Summer FNST, Fiji Standard FJT, Fiji Summer FJST, French Guiana GFT,
    French Southern & Antarctic TFT, Further-eastern European EET, Galapagos GALT, Gambier GAMT, Georgia Standard
    GET, Georgia Summer GEST, Gilbert Islands GILT, Greenland Summer WGST, Guam Standard ChST, Guyana GYT, Hawaii-
    Aleutian Daylight HDT, Hawaii-Aleutian Standard HST, Hong Kong Standard HKT, Indochina ICT, Iran Daylight IRDT,
    Iran Standard IRST, Irkutsk Standard IRKT, Irkutsk Summer IRKST, Kamchatka Standard ANAT, Kamchatka Summer
    PETST, Kazakhstan AQTT, Khovd Standard HOVT, Khovd Summer HOVST, Kosrae KOST, Krasnoyarsk Standard KRAT,
    Krasnoyarsk Summer KRAST, Kyrgyzstan KGT, Kyzylorda Standard QYZT, Kyzylorda Summer QYZST, Lanka IST, Line
    Islands LINT, Macao Standard CST, Macao Summer CDT, Magadan Standard MAGT, Magadan Summer MAGST, Malaysia MYT,
    Maldives MVT, Marquesas MART, Marshall Islands MHT, Mauritius Standard MUT, Mauritius Summer MUST, Mawson MAWT,
    Mexican Pacific Daylight MDT, Mexican Pacific Standard MST, Moscow Standard MSK, Moscow Summer MSD, Myanmar MMT,
    Nauru NRT, Nepal NPT, New Caledonia Standard NCT, Niue NUT, Norfolk Island Daylight NFST, Norfolk Island
    Standard NFT, North Korea KST, Northern Mariana Islands ChST, Novosibirsk Standard NOVT, Novosibirsk Summer
    NOVST, Omsk Standard OMST, Omsk Summer OMSST, Pakistan Standard PKT, Pakistan Summer PKST, Palau PWT, Papua New
    Guinea PGT, Paraguay Standard PYT, Paraguay Summer PYST, Peru Standard PET, Philippine Summer PDT, Phoenix
    Islands PHOT, Pitcairn PST, Pohnpei PONT, Rothera ROTT, Réunion RET, Sakhalin Standard SAKT, Sakhalin Summer
    SAKST, Samara Summer SAMST, Samoa Daylight WSDT, Samoa Standard WSST, Seychelles SCT, Singapore Standard SGT,
    Solomon Islands SBT, South Georgia GST, St. Pierre & Miquelon Daylight PMDT, St. Pierre & Miquelon Standard
    PMST, Suriname SRT, Syowa SYOT, Tahiti TAHT, Taiwan Daylight CDT, Taiwan Standard CST, Tajikistan TJT, Tokelau
    TKT, Tonga Standard TOT, Tonga Summer TOST, Turkmenistan Standard TMT, Tuvalu TVT, Türkiye Standard TRT,
    Ulaanbaatar Standard ULAT, Ulaanbaatar Summer ULAST, Uruguay Standard UYT, Uruguay Summer UYST, Uzbekistan
    Standard UZT, Uzbekistan Summer UZST, Vanuatu Standard VUT, Vanuatu Summer VUST, Venezuela VET, Vladivostok
    Standard VLAT, Vladivostok Summer VLAST, Volgograd Standard MSK, Volgograd Summer MSD, Vostok VOST, Wake Island
    WAKT, Wallis & Futuna WFT, West Greenland Standard WGT, West Kazakhstan AQTT, Western Argentina Standard ART,
    Western Argentina Summer ARST, Western European Standard WET, Western Indonesia WIB, Yakutsk Standard YAKT,
    Yakutsk Summer YAKST, Yekaterinburg Standard YEKT, Yekaterinburg Summer YEKST, Yukon MST
  `
    .split(',')
    .map((each): [string, string] => {
      const words = each.trim().split(/\s+/);
      return [words.slice(0, -1).join(' '), words.at(-1) as string];
    }),
);

/** The short name for a long one such as `Central European Summer Time`; none for one that is only an offset. */
export const abbreviationOf = (name: string): string | undefined =>
  name.startsWith('GMT')
    ? undefined
    : (exceptions.get(name.replace(' Time', '')) ??
      name
        .split(/[\s-]+/)
        .map((word) => word.slice(0, 1))
        .join(''));

/** The region that a short name stands for where a text is read; of several, one. */
export const regionsOfAbbreviations: ReadonlyMap<string, string> = new Map(
  `
    UTC UTC, GMT GMT, UT UT, WET Europe/Lisbon, WEST Europe/Lisbon, CET Europe/Paris, CEST Europe/Paris, EET Europe/Athens, EEST Europe/Athens,
    BST Europe/London, MSK Europe/Moscow, TRT Europe/Istanbul, EST America/New_York, EDT America/New_York, CST America/Chicago,
    CDT America/Chicago, MST America/Denver, MDT America/Denver, PST America/Los_Angeles, PDT America/Los_Angeles,
    AKST America/Anchorage, AKDT America/Anchorage, HST Pacific/Honolulu, AST America/Halifax, ADT America/Halifax, NST America/St_Johns,
    NDT America/St_Johns, BRT America/Sao_Paulo, ART America/Argentina/Buenos_Aires, CLT America/Santiago, IST Asia/Kolkata,
    PKT Asia/Karachi, GST Asia/Dubai, ICT Asia/Bangkok, WIB Asia/Jakarta, SGT Asia/Singapore, HKT Asia/Hong_Kong, JST Asia/Tokyo,
    KST Asia/Seoul, AWST Australia/Perth, ACST Australia/Adelaide, ACDT Australia/Adelaide, AEST Australia/Sydney,
    AEDT Australia/Sydney, NZST Pacific/Auckland, NZDT Pacific/Auckland, SAST Africa/Johannesburg, EAT Africa/Nairobi, WAT Africa/Lagos,
    CAT Africa/Maputo
  `
    .split(',')
    .map((each): [string, string] => each.trim().split(/\s+/) as [string, string]),
);
