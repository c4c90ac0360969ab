"""The look of a page that is one picture: less air above it, controls of one height, tabs in one line."""

import streamlit as st

# Streamlit's own bar lies over the page's first line: only its buttons are seen and clicked. What a small
# box offers is as wide as its longest words, for names that begin alike differ at their ends. Of a long list
# only the rows in sight are there, so its width has to be a number.
EVERYWHERE = """
[data-testid="stSelectboxVirtualDropdown"]{min-width:max-content;max-width:92vw}
[data-testid="stSelectboxVirtualDropdown"]:has([role="presentation"]){min-width:min(300px,92vw)}
header.stAppHeader,header.stAppHeader *{background:transparent!important;pointer-events:none}
header.stAppHeader button,header.stAppHeader button *{pointer-events:auto}
"""
CSS = (
    f"""{EVERYWHERE}"""
    + """
.stMainBlockContainer{padding:1rem 1.6rem 1.2rem!important;max-width:none}
.stMain .stVerticalBlock{gap:.5rem}
h1.demetar{font-size:23px;font-weight:650;line-height:1.25;margin:0;padding:0;letter-spacing:0}
p.demetar{font-size:15px;line-height:1.4;margin:2px 0 0;color:color-mix(in srgb,currentColor 72%,transparent)}
p.demetar b{font-weight:650}
.stApp:has([data-testid="stExpandSidebarButton"]) .st-key-head{padding-left:44px}
.st-key-head button{min-height:30px;padding:2px 8px;font-size:14px}
.st-key-tools{padding-right:30px;gap:4px!important}
.st-key-scene{--demetar-bar:32px}
@media(max-height:800px){
:root{--demetar-around:388px;--demetar-over:0px;--demetar-least:330px}
}
.stMain .stVerticalBlock .stButton .stMarkdownEllipsis{white-space:normal;overflow:visible}
.st-key-controls button,.st-key-controls .stSelectbox :is([role=group],input){min-height:32px!important;
height:32px!important;font-size:14px}
.st-key-controls .stSelectbox input{font-size:13px!important;padding:0 0 0 7px}
.st-key-controls .stSelectbox [role=group] button{width:22px;padding:0 3px 0 1px}
.st-key-controls [data-testid="stPopover"] button{padding:0 10px}
.st-key-controls{gap:8px!important;padding-top:.5rem;
border-top:1px solid color-mix(in srgb,currentColor 14%,transparent)}
.st-key-controls [data-testid="stButtonGroup"] button{padding:0 9px;min-height:32px}
@media(max-width:1180px){
.stMainBlockContainer{padding:.7rem 1rem .6rem!important}
.stMain .stVerticalBlock{gap:.4rem}
.st-key-head{position:relative}
.st-key-head h1.demetar{padding-right:210px}
.st-key-tools{position:absolute!important;right:0;top:-4px;width:auto!important}
.st-key-tools button{padding:2px 6px}
.st-key-tools button p,.st-key-controls .stButton button:not([data-testid$=primary]) p{position:absolute;
clip-path:inset(50%);width:1px;overflow:hidden;white-space:nowrap}
.st-key-tools button div[aria-hidden]{display:none}
.st-key-controls .stButton button{padding:0 9px}
.st-key-controls{gap:4px!important}
.st-key-controls [data-testid="stButtonGroup"]>div{gap:2px}
.st-key-controls [data-testid="stButtonGroup"] button{padding:0 5px!important;
font-size:13px}
.st-key-controls>[class*="-run"]{width:102px!important}
.st-key-controls>[class*="-beside"]{width:124px!important}
.st-key-controls>[class*="-slider"]{width:112px!important;min-width:0!important;flex:0 0 112px!important;
margin-right:8px}
.st-key-controls>[class*="-slider"] *{min-width:0}
.st-key-controls>[class*="-axis"]{width:104px!important}
.st-key-controls [data-testid="stPopover"] button{padding:0 7px!important}
}
"""
)

# Code in captions would be smaller than anything else.
SMALLEST = "[data-testid=stCaptionContainer] code{font-size:12px}"

# Between a telephone, on which Streamlit closes the sidebar, and a wide screen only its icons stand; it
# opens over the page under the pointer or the keyboard, so that nothing on the page moves.
RAIL = """
@media(min-width:769px) and (max-width:1180px){
[data-testid="stSidebar"]{width:62px!important;min-width:62px!important;max-width:62px!important;
z-index:1000}
[data-testid="stSidebarContent"]{width:62px;overflow-x:hidden;background:inherit}
[data-testid="stSidebarContent"]>*{min-width:188px}
[data-testid="stSidebar"]:not(:hover,:focus-within) :is(header,a>span:last-child,
[data-testid="stSidebarHeader"],[data-testid="stSidebarUserContent"]){opacity:0}
[data-testid="stSidebar"]:is(:hover,:focus-within) [data-testid="stSidebarContent"]{width:188px;
box-shadow:1px 0 12px rgb(0 0 0/.18)}
[data-testid="stSidebarCollapseButton"]{display:none}
}
"""
HEADING = (
    f"""{EVERYWHERE}"""
    + """
h1.demetar{font-size:23px;font-weight:650;line-height:1.25;margin:0;padding:0;letter-spacing:0}
p.demetar{font-size:15px;line-height:1.4;margin:2px 0 0;color:color-mix(in srgb,currentColor 72%,transparent)}
.stMainBlockContainer{padding:19px 35px 32px!important}
.stApp:has([data-testid="stExpandSidebarButton"]) h1.demetar{padding-left:44px}
"""
)


def heading(title: str, answers: str) -> None:
    """The page's title and the one sentence that says what it answers; both written here, not given."""
    st.html(
        f"<style>{HEADING}</style><h1 class='demetar'>{title}</h1><p class='demetar'>{answers}</p>"
    )


def picture_page() -> None:
    """Puts the style into the page; once a run, anywhere."""
    st.html(f"<style>{CSS}</style>")
