"""What the studio's and the listening test's pages have in common.

guard        which requests are answered: hosts, origins, sizes; and the headers of every answer
answers      the page's files, and errors as messages
connections  time limits for clients that send no request, and how many of these one client has
serving      an address on this machine, and the server behind it
"""
